#!/bin/sh
# The real servers and the browser that the tests use, from Debian's packages. No service of theirs is started.
# Further programs may be named.
set -eu
missing=""
need() { # program, package
    PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need chromium chromium
need dovecot dovecot-imapd
ls /usr/lib/dovecot/lmtp >/dev/null 2>&1 || missing="$missing dovecot-lmtpd"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
need smsbox kannel
ls /usr/lib/kannel/test/fakesmsc >/dev/null 2>&1 || missing="$missing kannel-extras"
ls /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf >/dev/null 2>&1 || missing="$missing fonts-dejavu-core"
for program in "$@"; do # more of them, each in a package of its own name
    need "$program" "$program"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
    echo "The tests need Debian's packages:$missing. Install them, or run make test as root." >&2
    exit 1
fi
# Packages must not start their daemons: the tests start private ones on free ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $missing >/dev/null
