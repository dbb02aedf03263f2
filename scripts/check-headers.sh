#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every public header compiles alone, as C11 and as C++17 where g++ is there.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
for header in libwalloc/include/walloc/*.h; do
  name=walloc/${header##*/}
  printf '#include <%s>\nint unused;\n' "$name" |
    "${CC:-gcc}" -std=c11 -pedantic -Wall -Wextra -Werror -fsyntax-only \
      -Ilibwalloc/include -xc - || bad=1
  if command -v g++ >/dev/null 2>&1; then
    printf '#include <%s>\nint unused;\n' "$name" |
      g++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only \
        -Ilibwalloc/include -xc++ - || bad=1
  fi
done
exit $bad
