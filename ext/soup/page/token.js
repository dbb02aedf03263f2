// SPDX-License-Identifier: LGPL-2.1-or-later
// The token stands behind the # of the address, which browsers send to nobody. In
// the query it was sent already, but need not be so again, nor be seen.

export function readToken() {
  const { searchParams } = new URL(location.href);
  if (searchParams.has('token')) {
    history.replaceState(null, '', location.pathname);
    keepToken(searchParams.get('token'));
  }
  return new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
}

/** Keeps it for the next time that the page is loaded. */
export function keepToken(token) {
  const hash = new URLSearchParams(location.hash.slice(1));
  if (token) hash.set('token', token);
  else hash.delete('token');
  history.replaceState(null, '', `#${hash}`);
}
