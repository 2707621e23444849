# fish completion of availd(8): subcommands, options, and the names of pools. What
# there is to choose from is asked of the program itself.

function __availd_commands
    availd --help 2>/dev/null | sed -n 's/^ *availd \([a-z]\{1,\}\).*/\1/p'
end

function __availd_options
    set -l words (commandline --tokenize --cut-at-cursor)
    availd $words[2] --help 2>/dev/null | sed -n 's/^ \{1,4\}\(--[a-z][a-z-]*\).*/\1/p'
end

function __availd_settable
    availd set --help 2>/dev/null | sed -n 's/^ *KEY is one of \(.*\)\.$/\1/p' | string split -n ', ' | string replace -r '$' =
end

# Running pools have a control socket: the system's, and those of one's own
# service manager.
function __availd_pools
    for socket in /run/availd/*/control $XDG_RUNTIME_DIR/availd/*/control
        basename (dirname $socket)
    end
end

# The words after -- are the worker's.
function __availd_is
    set -l words (commandline --tokenize --cut-at-cursor)
    not contains -- -- $words; and test (count $words) -ge 2; and contains -- $words[2] $argv
end

complete -c availd -n __fish_use_subcommand -f -a '(__availd_commands)'
complete -c availd -n '__availd_is (__availd_commands)' -a '(__availd_options)'
complete -c availd -n '__availd_is status top reload upgrade' -f -a '(__availd_pools)'
complete -c availd -n '__availd_is set; and test (count (commandline --tokenize --cut-at-cursor)) -eq 2' -f -a '(__availd_pools)'
complete -c availd -n '__availd_is set; and test (count (commandline --tokenize --cut-at-cursor)) -gt 2' -f -a '(__availd_settable)'
complete -c availd -n '__availd_is check' -a '(__availd_pools)'
