// SPDX-License-Identifier: LGPL-2.1-or-later
// What the page says about itself: how the link is, what is missing and what helps.
import { State } from './connection.js';
import { byId, say } from './dom.js';

// a warning that nothing new has followed goes away
const WARNING_TIME = 8000;
// seconds without a frame that are worth a word
const QUIET = 4;

let warningTimer = 0;

/** Over the picture; without a title: nothing. token: asks for one; retry: has a
 * button for it; progress: 0 to 1 of what is being loaded. */
export function notice(title, text = '', { token = false, retry = false,
  progress = null } = {}) {
  const box = byId('notice');
  box.hidden = !title;
  if (!title) return;
  say(box.querySelector('h2'), title);
  say(box.querySelector('p'), text);
  byId('token-form').hidden = !token;
  byId('retry').hidden = !retry;
  const bar = byId('progress');
  bar.hidden = progress === null;
  if (progress !== null) bar.value = progress;
}

/** A line below the picture, for a while. */
export function warn(text) {
  const box = byId('warning');
  say(box, text);
  box.hidden = false;
  clearTimeout(warningTimer);
  warningTimer = setTimeout(() => { box.hidden = true; }, WARNING_TIME);
}

/** In the corner of the page, and over the picture where it is no good state. */
export function showState({ state, text, seconds }) {
  const pill = byId('state');
  pill.dataset.state = state;
  pill.removeAttribute('data-quiet');
  say(pill.querySelector('span'), {
    [State.CONNECTING]: 'Connecting', [State.OPEN]: 'Live',
    [State.WAITING]: `Trying again in ${seconds} s`,
    [State.DENIED]: 'Not let in', [State.STOPPED]: 'Stopped',
  }[state]);
  if (state === State.OPEN) notice('');
  else if (state === State.WAITING) notice('No connection', text, { retry: true });
  else if (state === State.DENIED) notice('Not let in', text, { token: true });
}

/** While the link is there: whether frames come. any: there was one before. */
export function showQuiet(seconds, any) {
  const pill = byId('state'), quiet = seconds > QUIET;
  pill.toggleAttribute('data-quiet', quiet);
  say(pill.querySelector('span'), quiet ? 'Nothing comes' : 'Live');
  if (quiet && !any && byId('notice').hidden) {
    notice('Nothing to show yet', 'The server is there, but no frame has come '
      + 'from it. When one comes, it is shown by itself.');
  }
}

/** Nothing goes on any more. */
export function stopped(title, text) {
  showState({ state: State.STOPPED });
  notice(title, text);
}
