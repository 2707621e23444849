# bash completion of availd(8): subcommands, options, and the names of pools. What
# there is to choose from is asked of the program itself.

_availd_commands() { availd --help 2>/dev/null | sed -n 's/^ *availd \([a-z]\{1,\}\).*/\1/p'; }

_availd_options() { availd "$1" --help 2>/dev/null | sed -n 's/^ \{1,4\}\(--[a-z][a-z-]*\).*/\1/p'; }

_availd_settable() { availd set --help 2>/dev/null | sed -n 's/^ *KEY is one of \(.*\)\.$/\1/p' | tr -d ,; }

# Running pools have a control socket: the system's, and those of one's own
# service manager.
_availd_pools() {
	local socket
	for socket in /run/availd/*/control "${XDG_RUNTIME_DIR:-/nowhere}"/availd/*/control; do
		if [[ -e $socket ]]; then
			socket=${socket%/control}
			printf '%s\n' "${socket##*/}"
		fi
	done
}

_availd() {
	local current=${COMP_WORDS[COMP_CWORD]} i
	COMPREPLY=()
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then # the worker's command follows
			if ((i == COMP_CWORD - 1)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$current")
			fi
			return
		fi
	done
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--preload) mapfile -t COMPREPLY < <(compgen -W "yes no" -- "$current"); return ;;
	--protocol) mapfile -t COMPREPLY < <(compgen -W "auto notify queue fastcgi inetd postfix" -- "$current"); return ;;
	--stress) mapfile -t COMPREPLY < <(compgen -W "auto restart flag off" -- "$current"); return ;;
	--format)
		local formats="table json prometheus svg"
		[[ ${COMP_WORDS[1]} != @(check|try) ]] || formats="text json"
		mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$current")
		return
		;;
	--color) mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$current"); return ;;
	--log-level) mapfile -t COMPREPLY < <(compgen -W "debug info warn error" -- "$current"); return ;;
	--log-format) mapfile -t COMPREPLY < <(compgen -W "auto text json journal" -- "$current"); return ;;
	--notify-access) mapfile -t COMPREPLY < <(compgen -W "main all" -- "$current"); return ;;
	esac
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_availd_commands)" -- "$current")
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_availd_options "${COMP_WORDS[1]}")" -- "$current")
	elif [[ ${COMP_WORDS[1]} == set ]] && ((COMP_CWORD > 2)); then
		compopt -o nospace 2>/dev/null # a value follows
		mapfile -t COMPREPLY < <(compgen -W "$(_availd_settable)" -S = -- "$current")
	elif [[ ${COMP_WORDS[1]} == @(status|top|reload|set|upgrade|check) && ${COMP_WORDS[COMP_CWORD - 1]} != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_availd_pools)" -- "$current")
	fi
}

# Where nothing is offered, such as for the value of an option, files are.
complete -o default -F _availd availd
