#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs a command whose file writes libwt makes write-through; see wt-preload(1).
set -u

# Every variable here begins with wt_: one that the caller exports would reach the command changed.

wt_usage='usage: wt-preload.sh [-p RULES] [-f FILE] [-P PRESET[=LEVEL[,OPTION...]]] [-r REPORT] [-s]
                     [--] COMMAND [ARG...]
       wt-preload.sh --probe PATH...
       wt-preload.sh --check [-p RULES] [-f FILE] [-P PRESET[=LEVEL[,OPTION...]]]
       wt-preload.sh --presets [PRESET...]
       wt-preload.sh -h | --help | -V | --version'

wt_help="$wt_usage

  -p RULES    rules, PATTERN=LEVEL[,OPTION...] separated by ';'
              (LEVEL: off, async, through, dsync, sync)
  -f FILE     a file of rules, one a line
  -P PRESET   the files of a database: sqlite, postgresql, redis, rocksdb, lmdb or
              mariadb; at level dsync where none is given. -P help says more
  -r REPORT   where each process reports at its end: stderr, or a path
              (%p process id, %e program, .json for JSON)
  -s          strict: stop where a rule cannot be honoured
  --probe     print what libwt would do at PATH, and why
  --check     print the policy; exit 0, or 78 where it does not parse
  --presets   print the rules of each preset, and what is to be known of it

-p, -f, -P may be repeated. The first rule that matches a file decides: those of
all -p come first, then -f, -P, WT_POLICY and WT_POLICY_FILE."

# One line, whatever the names in it hold.
wt_say() {
	printf '%s\n' "wt-preload: $(printf '%s' "$*" | LC_ALL=C tr '[:cntrl:]' '?')" >&2
}

wt_die() { # exit status, words
	wt_status=$1
	shift
	wt_say "$@"
	exit "$wt_status"
}

# `make install` puts directories here; in the source tree everything lies beside this script.
wt_libdir='@LIBDIR@' wt_libexecdir='@LIBEXECDIR@'
case $wt_libdir in
/*)
	wt_lib=$wt_libdir/libwt.so
	wt_tool=$wt_libexecdir/libwt/wt-tool
	wt_remedy="make install puts it there"
	;;
*)
	wt_self=$(readlink -f -- "$0") || wt_die 126 "$0: expected a path that leads to this script"
	wt_lib=${wt_self%/*}/libwt.so
	wt_tool=${wt_self%/*}/obj/wt-tool
	wt_remedy="run make in ${wt_self%/*}, or install libwt"
	;;
esac
if ! [ -f "$wt_tool" ] || ! [ -x "$wt_tool" ]; then
	wt_die 126 "$wt_tool: missing or not executable; expected libwt's own tool: $wt_remedy"
fi

# Without libwt, which is meant, and without what else may be preloaded.
wt_run_tool() {
	LD_PRELOAD='' WT_DISABLE=1 "$wt_tool" "$@"
}

# Sets $wt_joined to the rules of two lists.
wt_join() {
	wt_joined=$1${1:+${2:+;}}$2
}

# Sets $wt_joined to the rules of a list and of one more source, which has to parse.
wt_add() { # list, option of the tool, its argument
	wt_list=$1
	shift
	wt_more=$(wt_run_tool policy --list "$@") || exit
	wt_join "$wt_list" "$wt_more"
}

wt_mode=run wt_rules='' wt_files='' wt_presets='' wt_report=''
while getopts :p:f:P:r:shV-: wt_option; do
	case $wt_option in
	p) wt_add "$wt_rules" -p "$OPTARG" && wt_rules=$wt_joined ;;
	f) wt_add "$wt_files" -f "$OPTARG" && wt_files=$wt_joined ;;
	P)
		case $OPTARG in
		help | list | '?') wt_run_tool presets --names && exit 0 || exit ;;
		esac
		wt_add "$wt_presets" -P "$OPTARG" && wt_presets=$wt_joined
		;;
	r)
		case $OPTARG in
		'') wt_die 2 "-r: '' given, expected stderr or a path" ;;
		- | stdout | /dev/stdout)
			wt_die 2 "-r: '$OPTARG' given, but standard output belongs to the command's data;" \
				"expected stderr or a path (./NAME for such a name)"
			;;
		esac
		wt_report=$OPTARG
		;;
	s) export WT_STRICT=1 ;;
	h) wt_mode=help ;;
	V) wt_mode=version ;;
	-)
		case $OPTARG in
		help | version | probe | check | presets) wt_mode=$OPTARG ;;
		*) wt_die 2 "--$OPTARG: expected --probe, --check, --presets, --help or --version" ;;
		esac
		;;
	:) wt_die 2 "-$OPTARG: expected an argument after it" ;;
	*) wt_die 2 "-$OPTARG: expected -p, -f, -P, -r, -s, -h or -V" ;;
	esac
done
shift $((OPTIND - 1))

case $wt_mode in
help)
	printf '%s\n' "$wt_help"
	exit
	;;
version)
	wt_run_tool version
	exit
	;;
probe)
	[ $# -gt 0 ] || wt_die 2 "--probe: expected a path after it"
	wt_run_tool probe "$@"
	exit
	;;
presets)
	wt_run_tool presets "$@"
	exit
	;;
esac

wt_join "$wt_rules" "$wt_files"
wt_join "$wt_joined" "$wt_presets"
wt_add "$wt_joined" -e
if [ "$wt_mode" = check ]; then
	[ $# = 0 ] || wt_die 2 "--check: '$1' given, expected -p, -f, -P or nothing more"
	wt_run_tool policy -p "$wt_joined"
	exit
fi

[ $# -gt 0 ] || wt_die 2 "expected a command; wt-preload.sh --help says more"
if ! [ -f "$wt_lib" ] || ! [ -r "$wt_lib" ]; then
	wt_die 126 "$wt_lib: missing or not readable; expected the library: $wt_remedy"
fi
case $wt_lib in
*[:\ \$]*)
	wt_die 126 "$wt_lib: expected a path that LD_PRELOAD can hold, without a blank, colon or \$:" \
		"install libwt, or move it"
	;;
esac
wt_run_tool program "$wt_lib" "$@" || exit

# execve(2) takes no string longer than 32 pages.
if [ ${#wt_joined} -gt $((32 * 4096 - 16)) ]; then
	wt_die 78 "the policy has ${#wt_joined} bytes; expected $((32 * 4096 - 16)) at most"
fi
if [ -z "$wt_joined" ]; then
	wt_say "no rules, no change; expected -p, -f, -P, WT_POLICY or WT_POLICY_FILE"
fi

# All rules go one way: the file might not be found from where the command goes.
export WT_POLICY="$wt_joined"
unset WT_POLICY_FILE
case $wt_report in
'' | [Ss][Tt][Dd][Ee][Rr][Rr] | /*) ;;
*) wt_report=$(printf '%s/' "$PWD" | LC_ALL=C sed 's/%/%%/g')$wt_report ;;
esac
if [ -n "$wt_report" ]; then
	export WT_REPORT="$wt_report"
fi
case :${LD_PRELOAD-}: in
*[:\ ]"$wt_lib"[:\ ]*) ;;
*) export LD_PRELOAD="$wt_lib${LD_PRELOAD:+:$LD_PRELOAD}" ;;
esac
exec "$@"
