# bash completion of availd(8): subcommands, options, and the names of pools. What
# there is to choose from is asked of the program itself.

_availd_commands() { availd --help 2>/dev/null | sed -n 's/^ *availd \([a-z]\{1,\}\).*/\1/p'; }

_availd_options() { availd "$1" --help 2>/dev/null | sed -n 's/^ \{1,4\}\(--[a-z][a-z-]*\).*/\1/p'; }

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
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_availd_commands)" -- "$current")
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_availd_options "${COMP_WORDS[1]}")" -- "$current")
	elif [[ ${COMP_WORDS[1]} == @(status|reload|upgrade) && ${COMP_WORDS[COMP_CWORD - 1]} != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_availd_pools)" -- "$current")
	fi
}

# Where nothing is offered, such as for the value of an option, files are.
complete -o default -F _availd availd
