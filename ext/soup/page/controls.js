// SPDX-License-Identifier: LGPL-2.1-or-later
// Buttons and the field for the token.
import { byId } from './dom.js';
import { keepToken, readToken } from './token.js';

function pressed(button, on) {
  button.setAttribute('aria-pressed', String(on));
}

/** parts: screen, sound, overlay; connection() may be null yet; redraw(). */
export function addControls({ screen, sound, overlay, connection, redraw }) {
  const again = () => {
    if (!connection()) return;
    connection().token = readToken();
    connection().start();
  };
  byId('pause').addEventListener('click', ({ currentTarget }) => {
    screen.paused = !screen.paused;
    pressed(currentTarget, screen.paused);
    byId('paused').hidden = !screen.paused;
  });
  byId('sound').addEventListener('click', async ({ currentTarget }) => {
    await (sound.on ? sound.stop() : sound.start());
    pressed(currentTarget, sound.on);
  });
  const full = byId('full');
  full.hidden = !document.fullscreenEnabled;
  full.addEventListener('click', () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else byId('theatre').requestFullscreen();
  });
  for (const button of document.querySelectorAll('[data-show]')) {
    button.addEventListener('click', () => {
      const { show } = button.dataset;
      overlay.show[show] = !overlay.show[show];
      pressed(button, overlay.show[show]);
      redraw();
    });
  }
  byId('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    keepToken(byId('token').value.trim());
    again();
  });
  byId('retry').addEventListener('click', again);
  addEventListener('hashchange', again);
}
