// The listeners' page: consent, headphone check, questions, end. Every answer is stored when it is given.
'use strict';
(() => {
  const words = JSON.parse(document.getElementById('words').textContent);
  const root = document.getElementById('page');
  const base = location.pathname.replace(/\/$/, '');
  let language = root.dataset.language;
  let state = null;
  let question = null; // the page on the screen: sounds, plays, answer

  const say = (key, facts = {}) => String(words[language][key]).replace(/\{(\w+)\}/g, (_, name) => facts[name]);

  // Elements are made, never written as HTML: no text can become markup.
  function make(tag, facts = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(facts)) {
      if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
      else if (name in element && typeof value !== 'string') element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...inside.filter((part) => part !== null && part !== undefined));
    return element;
  }

  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  class Refused extends Error {}

  // Sent again until it arrives: what is sent twice is stored once.
  async function ask(path, body, slow) {
    for (let attempt = 0; ; attempt++) {
      let answer = null;
      try {
        answer = await fetch(base + path, {
          method: body ? 'POST' : 'GET', cache: 'no-store', credentials: 'same-origin',
          headers: { 'Accept-Language': language, ...(body ? { 'Content-Type': 'application/json' } : {}) },
          body: body ? JSON.stringify(body) : undefined,
        });
      } catch { /* no connection: below */ }
      if (answer && answer.ok) return answer.json();
      if (answer && answer.status !== 429 && answer.status < 500) {
        throw new Refused((await answer.json().catch(() => ({}))).error || say('failed'));
      }
      if (slow) slow();
      if (attempt === 8) throw new Refused(say('failed'));
      await wait(Math.min(8000, 500 * 2 ** attempt));
    }
  }

  async function load() {
    try { show(await ask('/state')); } catch (error) { trouble(error); }
  }

  function trouble(error) {
    leave();
    root.replaceChildren(head(), make('div', { class: 'card', role: 'alert' },
      make('p', {}, error.message), make('button', { class: 'go', type: 'button', onclick: load }, say('try_again'))));
  }

  function head() {
    const other = language === 'it' ? 'en' : 'it';
    return make('header', {}, make('span', { class: 'dim' }, state && state.preview ? say('preview') : ''),
      make('button', { class: 'plain', type: 'button', lang: other, onclick: () => { language = other; redraw(); } }, say('other_language')));
  }

  function redraw() {
    document.documentElement.lang = language;
    document.title = say('page_title');
    if (state) draw(); else load();
  }

  function show(fresh) {
    const first = !state;
    state = fresh;
    if (first && state.language) language = state.language;
    leave();
    redraw();
    window.scrollTo(0, 0);
  }

  function draw() {
    const screens = { welcome, headphones, trial, done, closed };
    root.replaceChildren(head(), ...screens[state.phase]());
  }

  function leave() {
    if (!question) return;
    for (const sound of question.sounds) { sound.audio.pause(); URL.revokeObjectURL(sound.audio.src); }
    question = null;
  }

  const title = () => make('h1', {}, state.title || say('default_title'));
  const told = () => state.instructions || words[language].instructions[state.kind];

  // -- welcome -----------------------------------------------------------------------------------
  function welcome() {
    const tick = make('input', { type: 'checkbox', id: 'agree' });
    const begin = make('button', { class: 'go', type: 'button', id: 'begin', disabled: true, onclick: () => join(begin) }, say('begin'));
    tick.addEventListener('change', () => { begin.disabled = !tick.checked; });
    const by = words[language].organisation;
    return [title(), make('p', {}, told()), make('div', { class: 'card' }, make('h2', {}, say('consent_title')),
      ...words[language].consent_text.map((line) => make('p', {}, line)),
      by ? make('p', {}, say('consent_by', { organisation: by })) : null,
      state.account ? make('p', {}, say('consent_account')) : null,
      make('label', { class: 'tick' }, tick, make('span', {}, say('agree'))), begin)];
  }

  async function join(button) {
    button.disabled = true;
    try { show(await ask('/join', { agreed: true, language })); } catch (error) { trouble(error); }
  }

  // -- headphones --------------------------------------------------------------------------------
  function headphones() {
    if (!question) question = { tones: true, answers: [], sounds: [], played: false, playing: false, failed: false };
    const number = question.answers.length, total = state.tones.length;
    const answers = [1, 2, 3].map((n) => make('button', { class: 'answer', type: 'button', disabled: !question.played || question.playing,
      onclick: () => toneAnswered(n) }, say('tone_answer', { n })));
    const label = question.playing ? 'playing' : question.played ? 'replay' : 'play';
    const play = make('button', { class: 'go', type: 'button', id: 'tone', disabled: question.playing,
      onclick: () => playTone(state.tones[number]) }, say(label));
    return [make('h1', {}, say('headphones_title')), make('p', {}, say('headphones_text')),
      make('div', { class: 'card' }, make('p', { class: 'dim' }, say('tone', { n: number + 1, total })), play,
        make('p', { class: 'hint', role: 'status', id: 'tone-hint' }, question.failed ? say('tone_failed') : ''),
        make('div', { class: 'answers' }, ...answers)),
      make('button', { class: 'plain', type: 'button', id: 'no-headphones', onclick: () => send('/headphones', { answers: [] }) }, say('headphones_skip'))];
  }

  // Only what was heard to its end can be answered. The screen is drawn from `question`, in whichever language.
  async function playTone(address) {
    const mine = question;
    const redrawn = () => { if (mine === question) { draw(); document.getElementById('tone').focus(); } };
    mine.playing = true;
    mine.failed = false;
    redrawn();
    try { await sounded(address, mine); mine.played = true; } catch { mine.failed = true; }
    mine.playing = false;
    redrawn();
  }

  async function sounded(address, mine) {
    const answer = await fetch(address, { credentials: 'same-origin' });
    if (!answer.ok) throw new Error(String(answer.status));
    const audio = new Audio(URL.createObjectURL(await answer.blob()));
    mine.sounds.push({ audio });
    await new Promise((done, failed) => {
      audio.addEventListener('ended', done);
      audio.addEventListener('error', failed);
      audio.play().catch(failed);
    });
  }

  function toneAnswered(n) {
    question.answers.push(n);
    question.played = false;
    if (question.answers.length === state.tones.length) send('/headphones', { answers: question.answers });
    else draw();
  }

  async function send(path, body, slow) {
    try { show(await ask(path, body, slow)); } catch (error) { trouble(error); }
  }

  // -- a question --------------------------------------------------------------------------------
  function begin() {
    const rated = state.kind === 'mushra' ? state.slots.length - 1 : 1;
    question = { page: state.page, values: new Array(rated).fill(null), started: null, sent: false,
      sounds: state.slots.map((slot) => ({ slot, audio: new Audio(), plays: 0, heard: false, furthest: 0, state: 'loading' })) };
    for (const sound of question.sounds) fetchSound(sound, question);
  }

  async function fetchSound(sound, mine) {
    for (let attempt = 0; mine === question; attempt++) {
      try {
        const answer = await fetch(sound.slot.sound, { credentials: 'same-origin', headers: { 'Accept-Language': language } });
        if (answer.status === 404 || answer.status === 403) { await moved(mine); return; }
        if (!answer.ok) throw new Error(String(answer.status));
        const blob = await answer.blob();
        if (mine !== question) return;
        sound.audio.src = URL.createObjectURL(blob);
        sound.state = 'ready';
        watch(sound);
        refresh();
        return;
      } catch { await wait(Math.min(8000, 500 * 2 ** attempt)); }
    }
  }

  // The question has moved on elsewhere; where it has not, asking for its sounds for ever would not help.
  async function moved(mine) {
    try {
      const fresh = await ask('/state');
      if (mine !== question) return;
      if (fresh.page === mine.page) trouble(new Refused(say('failed'))); else show(fresh);
    } catch (error) { trouble(error); }
  }

  // Heard means played through: a jump forward does not count.
  function watch(sound) {
    const audio = sound.audio;
    audio.addEventListener('timeupdate', () => {
      if (audio.currentTime <= sound.furthest + 1.5) sound.furthest = Math.max(sound.furthest, audio.currentTime);
      refresh();
    });
    audio.addEventListener('ended', () => {
      if (audio.duration - sound.furthest < 1.5 && !sound.heard) { sound.heard = true; }
      sound.plays += 1;
      if (question && question.started === null && question.sounds.every((one) => one.heard)) question.started = performance.now();
      refresh();
    });
    for (const name of ['play', 'pause']) audio.addEventListener(name, refresh);
  }

  function toggle(sound) {
    if (!question || sound.state !== 'ready') return;
    const playing = !sound.audio.paused;
    for (const other of question.sounds) if (!other.audio.paused) other.audio.pause();
    if (playing) return;
    sound.audio.currentTime = 0;
    sound.furthest = sound.heard ? sound.furthest : 0;
    sound.audio.play();
  }

  function name(sound) {
    const label = sound.slot.label;
    if (label === 'R') return say('reference');
    if (label === 'S') return say('sound');
    return /^\d+$/.test(label) ? say('sound_n', { n: label }) : label;
  }

  function player(sound) {
    sound.bar = make('progress', { max: 1, value: 0 });
    sound.icon = make('b', { 'aria-hidden': 'true' });
    sound.status = make('small', {});
    sound.button = make('button', { class: 'player', type: 'button', 'data-slot': sound.slot.label, onclick: () => toggle(sound) },
      sound.icon, make('span', {}, name(sound), sound.status), sound.bar);
    sound.bar.setAttribute('aria-hidden', 'true');
    return sound.button;
  }

  function trial() {
    if (!question || question.page !== state.page) { leave(); begin(); }
    question.hint = make('p', { class: 'hint', role: 'status', id: 'hint' });
    question.next = make('button', { class: 'go', type: 'button', id: 'next', onclick: submit }, say('next'));
    const parts = [
      make('progress', { max: state.total, value: state.done, 'aria-label': say('progress', { n: state.done + 1, total: state.total }) }),
      make('p', { class: 'dim', id: 'place' }, say('progress', { n: state.done + 1, total: state.total })),
      state.training ? make('p', { class: 'note', id: 'practice' }, say('practice')) : null,
      make('h1', {}, told()),
      state.kind === 'mushra' ? sliders() : make('div', { class: 'players' }, ...question.sounds.map(player)),
      state.kind === 'mushra' ? null : choices(),
      question.hint, question.next, make('p', { class: 'dim keys' }, words[language].keys[state.kind]),
    ];
    refresh();
    return parts.filter(Boolean);
  }

  // Value and key of each answer, in the order shown.
  function options() {
    const labels = words[language].scales[state.kind];
    if (state.kind === 'ab') {
      const both = [[1, 'A', labels[0]], [0, 'B', labels[1]]];
      return state.ties ? [...both, [0.5, '=', labels[2]]] : both;
    }
    if (state.kind === 'abx') return [[1, 'A', labels[0]], [0, 'B', labels[1]]];
    if (state.kind === 'cmos') return labels.map((label, n) => [n - 3, String(n + 1), label]);
    return labels.map((label, n) => [n + 1, String(n + 1), label]);
  }

  function choices() {
    const wide = state.kind === 'ab' || state.kind === 'abx';
    question.answers = options().map(([value, key, label]) => {
      const shown = label === key ? [make('b', {}, key)] : [make('b', {}, key), make('span', {}, label)];
      const button = make('button', { class: 'answer', type: 'button', role: 'radio', 'aria-checked': 'false', 'data-value': String(value),
        onclick: () => choose(value) }, ...shown);
      button.answer = value;
      return button;
    });
    return make('div', { class: wide ? 'answers wide' : 'answers', role: 'radiogroup', 'aria-label': told() }, ...question.answers);
  }

  function choose(value) { question.values[0] = value; refresh(); }

  function sliders() {
    const [reference, ...rated] = question.sounds;
    const rows = rated.map((sound, n) => {
      const value = question.values[n];
      const output = make('output', {}, value === null ? say('not_rated') : String(value));
      const input = make('input', { type: 'range', min: '0', max: '100', step: '1', class: value === null ? 'untouched' : '',
        'aria-label': name(sound), 'aria-valuetext': value === null ? say('not_rated') : String(value) });
      input.value = value === null ? 50 : value;
      const touch = () => {
        question.values[n] = Number(input.value);
        input.className = '';
        output.textContent = input.value;
        input.setAttribute('aria-valuetext', input.value);
        refresh();
      };
      for (const event of ['input', 'pointerup']) input.addEventListener(event, touch);
      return make('div', { class: 'slider' }, make('div', {}, player(sound), output), input);
    });
    const marks = make('div', { class: 'marks' }, ...words[language].scales.mushra.map((label) => make('span', {}, label)));
    return make('div', {}, make('div', { class: 'players' }, player(reference)), marks, ...rows);
  }

  function ready() {
    return { heard: question.sounds.every((sound) => sound.heard), answered: question.values.every((value) => value !== null) };
  }

  function refresh() {
    if (!question || question.tones || !question.next) return;
    for (const sound of question.sounds) {
      const playing = !sound.audio.paused;
      sound.icon.textContent = playing ? '❚❚' : '▶';
      sound.status.textContent = sound.state === 'loading' ? say('loading') : playing ? say('playing') : sound.heard ? `${say('heard')} ✓` : say('play');
      sound.button.classList.toggle('heard', sound.heard);
      sound.button.disabled = sound.state === 'loading';
      sound.bar.value = playing && sound.audio.duration ? sound.audio.currentTime / sound.audio.duration : 0;
    }
    for (const button of question.answers || []) button.setAttribute('aria-checked', String(button.answer === question.values[0]));
    const { heard, answered } = ready();
    question.next.disabled = question.sent || !heard || !answered;
    if (question.sent) return;
    const missing = state.kind === 'mushra' ? say('need_all') : !heard ? say('need_hear') : say('need_answer');
    const hint = heard && answered ? say('ready') : missing;
    if (question.hint.textContent !== hint) question.hint.textContent = hint;
  }

  async function submit() {
    const { heard, answered } = ready();
    if (!question || question.sent || !heard || !answered) return;
    question.sent = true;
    for (const sound of question.sounds) sound.audio.pause();
    refresh();
    const hint = question.hint;
    hint.textContent = say('saving');
    const again = (sounds) => sounds.reduce((sum, sound) => sum + Math.max(0, sound.plays - 1), 0);
    const replays = state.kind === 'mushra' ? question.sounds.slice(1).map((sound) => again([sound])) : [again(question.sounds)];
    const body = { page: question.page, values: question.values, replays, heard,
      response_ms: Math.round(performance.now() - question.started) };
    await send('/rate', body, () => { hint.textContent = say('retrying'); });
  }

  // -- the end -----------------------------------------------------------------------------------
  function done() {
    const again = make('button', { class: 'go', type: 'button', onclick: () => join(again) }, say('again'));
    return [make('h1', { id: 'done' }, say('done_title')),
      make('div', { class: 'card' }, make('p', {}, say('done_text')), state.preview ? again : null)];
  }

  function closed() {
    const rows = state.told.map((page, n) => make('tr', {}, make('td', {}, String(n + 1)),
      make('td', {}, page.labels.map((label, place) => `${label === 'S' ? '' : label + ': '}${page.names[place] || '—'}`).join(' · ')),
      make('td', {}, page.scores.map(answer).join(' · '))));
    const table = make('table', {}, make('thead', {}, make('tr', {}, ...['told_where', 'told_what', 'told_yours'].map((key) => make('th', {}, say(key))))),
      make('tbody', {}, ...rows));
    return [make('h1', { id: 'closed' }, say('closed_title')), make('p', {}, say('closed_text')),
      rows.length ? make('div', { class: 'card' }, make('h2', {}, say('told_title')), table) : null].filter(Boolean);
  }

  function answer(score) {
    if (state.kind === 'abx') return say(score === 1 ? 'right' : 'wrong');
    if (state.kind === 'ab') return score === 1 ? 'A' : score === 0 ? 'B' : '=';
    return String(score);
  }

  // -- keys --------------------------------------------------------------------------------------
  document.addEventListener('keydown', (event) => {
    if (!question || question.tones || event.ctrlKey || event.metaKey || event.altKey) return;
    const onSlider = event.target instanceof HTMLInputElement;
    const onButton = event.target instanceof HTMLButtonElement && event.target !== question.next;
    if (event.key === ' ' && !onButton && !onSlider) {
      event.preventDefault();
      const playing = question.sounds.find((sound) => !sound.audio.paused);
      toggle(playing || question.sounds.find((sound) => !sound.heard) || question.sounds[0]);
    } else if (event.key === 'Enter' && !(onButton && event.target.classList.contains('player'))) {
      event.preventDefault();
      submit();
    } else if (state.kind !== 'mushra') {
      const found = options().find(([, key]) => key.toLowerCase() === event.key.toLowerCase());
      if (!found) return;
      event.preventDefault();
      choose(found[0]);
      // Enter goes on now; on the player that was clicked last it would play once more.
      if (question.next.disabled) event.target.blur();
      else question.next.focus();
    }
  });

  redraw();
})();
