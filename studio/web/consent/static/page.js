// The speakers' page: notice, purposes, recordings, statement; later the record, the data, the way out.
'use strict';
(() => {
  const words = JSON.parse(document.getElementById('words').textContent);
  const root = document.getElementById('page');
  const base = location.pathname.replace(/\/$/, '');
  const LONGEST_S = { clip: 60, statement: 90 };
  const LEAST_S = 10;
  let language = root.dataset.language;
  let state = null;
  let step = 0; // of the way to a consent; 0 is the first page
  let wanted = fresh();

  // What the speaker has given so far: in this page only, until it is sent.
  function fresh() {
    return { read: false, purposes: new Set(), attest: new Set(), engines: new Set(), languages: new Set(), clips: [], asked: null, statement: null, renewing: false, ends: 0 };
  }

  const say = (key, facts = {}) => String(words[language][key]).replace(/\{(\w+)\}/g, (_, name) => facts[name]);
  const named = (group, key) => words[language][group][key] || words[language][group].other || key;
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
  const tongue = (code) => new Intl.DisplayNames([language], { type: 'language' }).of(code);
  const day = (iso) => new Date(iso).toLocaleDateString(language, { day: 'numeric', month: 'long', year: 'numeric' });

  // Elements are made, never written as HTML: no text can become markup.
  function make(tag, facts = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(facts)) {
      if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
      else if (name in element && typeof value !== 'string') element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...inside.flat().filter((part) => part !== null && part !== undefined));
    return element;
  }

  const p = (key, facts) => make('p', {}, say(key, facts));
  const button = (key, onclick, facts = {}) => make('button', { type: 'button', class: 'wide', onclick, ...facts }, say(key));
  const go = (key, onclick, facts = {}) => button(key, onclick, { class: 'go', ...facts });

  class Refused extends Error {}

  async function ask(path, body, raw) {
    let answer;
    try {
      answer = await fetch(`${base}${path}?language=${language}`, {
        method: body ? 'POST' : 'GET', cache: 'no-store', credentials: 'same-origin',
        headers: { 'Accept-Language': language, ...(body ? { 'Content-Type': raw ? 'application/octet-stream' : 'application/json' } : {}) },
        body: body ? (raw ? body : JSON.stringify(body)) : undefined,
      });
    } catch { throw new Refused(say('failed')); }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(told.error || say('failed'));
    return told;
  }

  async function load() {
    try { state = await ask('/state'); draw(); } catch (error) {
      root.replaceChildren(head(), trouble(error), go('try_again', load));
    }
  }

  const trouble = (error) => make('div', { class: 'note bad', role: 'alert' }, error.message);
  const busy = (key) => make('p', { class: 'row', role: 'status' }, make('span', { class: 'spin' }), say(key));

  function head() {
    const other = language === 'it' ? 'en' : 'it';
    return make('header', {}, make('span', { class: 'brand' }, words[language].organisation || 'Timbro'),
      make('button', { class: 'plain', type: 'button', lang: other, onclick: () => { language = other; wanted.asked = null; load(); } }, say('other_language')));
  }

  function draw() {
    stopAll();
    document.documentElement.lang = language;
    document.title = say('page_title');
    const asking = state.phase === 'invited' || wanted.renewing;
    const screen = state.phase === 'erased' ? erased : asking ? [hello, notice, purposes, ...(wanted.renewing ? [] : [clips]), statement][step] : record;
    root.replaceChildren(head(), ...screen().filter(Boolean));
    window.scrollTo(0, 0);
  }

  const turn = (by) => { step += by; draw(); };

  function place() {
    const total = wanted.renewing ? 3 : 4;
    const marks = Array.from({ length: total }, (_, n) => make('i', { class: n < step ? 'done' : '' }));
    return make('div', { class: 'steps', role: 'img', 'aria-label': say('step', { n: step, total }) }, ...marks);
  }

  const back = () => make('button', { class: 'plain', type: 'button', onclick: () => turn(-1) }, say('back'));

  // -- the way to a consent ------------------------------------------------------------------------
  function hello() {
    const organisation = words[language].organisation;
    return [make('h1', {}, say(wanted.renewing ? 'hello_renew' : 'hello')),
      p(organisation ? 'invited' : 'invited_plain', { organisation, voice: state.voice }), p('free'),
      state.category === 'employee' ? make('div', { class: 'note' }, say('employee')) : null,
      go('start', () => turn(1), { id: 'start' }),
      wanted.renewing ? button('cancel', () => { wanted = fresh(); step = 0; draw(); }, { class: 'plain' }) : null];
  }

  function tick(checked, id, label, change, note) {
    const box = make('input', { type: 'checkbox', id, checked, onchange: () => change(box.checked) });
    return make('label', { class: 'tick' }, box, make('span', {}, label, note ? make('small', {}, note) : null));
  }

  function notice() {
    const next = go('next', () => turn(1), { id: 'next', disabled: !wanted.read });
    const text = state.notice.text.split(/\n+/).map((part) => make('p', {}, part));
    return [place(), make('h1', {}, say('notice_title')), make('div', { class: 'card notice' }, ...text,
      make('p', { class: 'dim' }, say('notice_version', { version: state.notice.version }))),
      tick(wanted.read, 'read', say('read_it'), (on) => { wanted.read = on; next.disabled = !on; }), next, back()];
  }

  function purposes() {
    const next = go('next', () => turn(1), { id: 'next' });
    const ready = () => { next.disabled = !wanted.purposes.has('zero_shot') || !wanted.attest.has('adult') || !wanted.attest.has('not_public_figure'); };
    const change = (held, name) => (on) => { held[on ? 'add' : 'delete'](name); wanted.asked = null; wanted.statement = null; ready(); };
    const boxes = state.purposes.map((name) => tick(wanted.purposes.has(name), `purpose-${name}`, named('purpose', name), change(wanted.purposes, name), name === 'zero_shot' ? say('needed') : ''));
    const about = ['adult', 'not_public_figure'].map((name) => tick(wanted.attest.has(name), `attest-${name}`, named('attest', name), change(wanted.attest, name)));
    ready();
    return [place(), make('h1', {}, say('purposes_title')), p('purposes_text'), make('div', { class: 'card' }, ...boxes),
      make('h2', {}, say('about_you')), make('div', { class: 'card' }, ...about, make('p', { class: 'dim' }, say('confirm_all'))), limits(), next, back()];
  }

  // What the speaker may narrow the consent to; nothing ticked is no limit.
  function limits() {
    const mark = (held, name) => (on) => { held[on ? 'add' : 'delete'](name); };
    const group = (title, held, kind, names) => [make('h2', {}, say(title)), make('div', { class: 'grid' },
      ...names.map(([key, label]) => tick(held.has(key), `${kind}-${key}`, label, mark(held, key))))];
    return make('details', { class: 'card', id: 'limits', open: wanted.languages.size + wanted.engines.size > 0 },
      make('summary', {}, say('limits')), p('limits_text'),
      ...group('limit_languages', wanted.languages, 'language', state.offer.languages.map((code) => [code, tongue(code)])),
      ...group('limit_engines', wanted.engines, 'engine', Object.entries(state.offer.engines)));
  }

  // Limits are sent when they were changed: one that names an engine that is gone by now stays as it was.
  function narrowed(kind, offered) {
    const before = (state.consent && state.consent[kind]) || [];
    const same = before.length === wanted[kind].size && before.every((name) => wanted[kind].has(name));
    return same ? {} : { [kind]: [...wanted[kind]].filter((name) => offered.includes(name)) };
  }

  // -- recording -----------------------------------------------------------------------------------
  let running = null;

  function stopAll() {
    if (running) running.cancel();
    running = null;
    for (const audio of root.querySelectorAll('audio')) audio.pause();
    clearInterval(wanted.timer);
  }

  async function capture(longest, onLevel) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    const recorder = new MediaRecorder(stream, { audioBitsPerSecond: 128000 });
    const pieces = [];
    recorder.ondataavailable = (event) => pieces.push(event.data);
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const began = performance.now();
    const meter = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const rms = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
      const seconds = (performance.now() - began) / 1000;
      onLevel(Math.max(0, 1 + Math.log10(rms + 1e-6) / 2.5), seconds);
      if (seconds >= longest && recorder.state === 'recording') recorder.stop();
    }, 100);
    let cancelled = false;
    const ended = new Promise((done) => {
      recorder.onstop = () => {
        clearInterval(meter);
        stream.getTracks().forEach((track) => track.stop());
        context.close();
        done(cancelled ? null : new Blob(pieces, { type: recorder.mimeType }));
      };
    });
    recorder.start();
    return { ended, stop: () => recorder.state === 'recording' && recorder.stop(), cancel: () => { cancelled = true; if (recorder.state === 'recording') recorder.stop(); } };
  }

  // A round button with a level; `kept(blob, source)` gets what was recorded or chosen.
  function microphone(kind, kept) {
    const told = make('p', { class: 'dim', role: 'status' });
    if (!navigator.mediaDevices || !window.MediaRecorder) return chooser(kept);
    const level = make('meter', { min: '0', max: '1', value: 0, 'aria-hidden': 'true' });
    const press = make('button', { type: 'button', id: `record-${kind}`, onclick: pressed }, say('record'));
    const box = make('div', { class: 'mic' }, press, level, told);
    async function pressed() {
      if (running) { running.stop(); return; }
      press.disabled = true;
      try {
        running = await capture(LONGEST_S[kind], (value, seconds) => { level.value = value; told.textContent = say('recording', { time: clock(seconds) }); });
      } catch { running = null; box.replaceWith(chooser(kept)); return; }
      press.disabled = false;
      press.className = 'on';
      press.textContent = say('stop');
      const blob = await running.ended;
      running = null;
      level.value = 0;
      press.className = '';
      press.textContent = say('record');
      told.textContent = '';
      if (blob) kept(blob, 'microphone');
    }
    return box;
  }

  function chooser(kept) {
    const file = make('input', { type: 'file', accept: 'audio/*', capture: '', 'aria-label': say('choose_file'), onchange: () => file.files[0] && kept(file.files[0], 'upload') });
    return make('div', { class: 'card' }, p('no_microphone'), file);
  }

  const player = (blob) => make('audio', { controls: true, src: URL.createObjectURL(blob), preload: 'metadata' });

  function clips() {
    const list = make('div', { class: 'card', id: 'clips' });
    const total = make('p', { role: 'status', id: 'total' });
    const next = go('next', () => turn(1), { id: 'next' });
    const mic = microphone('clip', add);
    function refresh() {
      const good = wanted.clips.filter((one) => !one.refusal && one.seconds);
      const seconds = good.reduce((sum, one) => sum + one.seconds, 0);
      list.replaceChildren(...wanted.clips.map(row));
      list.hidden = !wanted.clips.length;
      const waiting = wanted.clips.some((one) => one.waiting);
      next.disabled = waiting || seconds < LEAST_S;
      total.textContent = `${say('total', { n: Math.round(seconds) })}. ${seconds >= LEAST_S ? say('enough') : wanted.clips.length ? say('need_more') : ''}`;
      mic.hidden = wanted.clips.length >= state.most_clips;
    }
    function row(one, n) {
      const remove = make('button', { class: 'plain', type: 'button', onclick: () => { wanted.clips.splice(n, 1); refresh(); } }, say('remove'));
      const tag = one.waiting ? make('span', { class: 'spin' }) : make('span', { class: `tag ${one.refusal ? 'bad' : 'good'}` }, one.refusal ? '✕' : `✓ ${say('good')}`);
      return make('div', { class: 'clip' }, make('div', { class: 'row' }, make('b', {}, say('clip', { n: n + 1 })),
        one.seconds ? make('span', { class: 'dim' }, say('seconds', { n: one.seconds })) : null, tag, remove),
        one.waiting ? p('checking') : null, one.refusal ? make('p', { class: 'note bad' }, one.refusal) : null, player(one.blob));
    }
    async function add(blob) {
      const one = { blob, waiting: true, seconds: 0, refusal: '' };
      wanted.clips.push(one);
      refresh();
      try { Object.assign(one, await ask('/check', blob, true)); } catch (error) { one.refusal = error.message; }
      one.waiting = false;
      refresh();
    }
    refresh();
    return [place(), make('h1', {}, say('clips_title')), p('clips_text'), make('blockquote', { class: 'sample' }, say('clips_sample')), mic, total, list, next, back()];
  }

  // -- the statement -------------------------------------------------------------------------------
  function statement() {
    const area = make('div', { id: 'statement' });
    const show = (error) => { stopAll(); area.replaceChildren(...(error ? [trouble(error)] : []), ...(wanted.asked ? reading() : [go('show', issue, { id: 'show' })])); };
    async function issue() {
      area.replaceChildren(busy('loading'));
      try {
        wanted.asked = await ask('/challenge', { purposes: [...wanted.purposes], notice: state.notice.hash });
        wanted.ends = performance.now() + wanted.asked.seconds * 1000;
        wanted.statement = null;
        show();
      } catch (error) { wanted.asked = null; show(error); }
    }
    function reading() {
      const left = make('p', { class: 'dim', role: 'timer' });
      const send = go('send', submit, { id: 'send' });
      const heard = make('div', {});
      const keep = (blob, source) => { wanted.statement = { blob, source }; hear(); };
      const hear = () => {
        send.hidden = !wanted.statement;
        heard.replaceChildren(...(wanted.statement ? [make('p', { class: 'dim' }, say('hear')), player(wanted.statement.blob)] : []));
      };
      wanted.timer = setInterval(() => {
        const seconds = (wanted.ends - performance.now()) / 1000;
        left.textContent = say('left', { time: clock(Math.max(0, seconds)) });
        if (seconds <= 0) { wanted.asked = null; show(new Refused(say('out_of_time'))); }
      }, 250);
      hear();
      return [p('read_aloud'), make('blockquote', {}, wanted.asked.statement), left,
        make('p', { class: 'dim' }, say('sent_try', { n: wanted.asked.tries })), microphone('statement', keep), heard, send,
        button('again', issue, { class: 'plain' })];
    }
    async function submit() {
      clearInterval(wanted.timer);
      area.replaceChildren(busy('sending'));
      const sounds = await Promise.all([wanted.statement.blob, ...(wanted.renewing ? [] : wanted.clips.filter((one) => !one.refusal).map((one) => one.blob))].map(base64));
      const body = { purposes: [...wanted.purposes], attestations: ['notice_read', ...wanted.attest], challenge: wanted.asked.token,
        source: wanted.statement.source, statement: sounds[0], clips: sounds.slice(1), ...narrowed('engines', Object.keys(state.offer.engines)), ...narrowed('languages', state.offer.languages) };
      try {
        state = await ask('/answer', body);
        wanted = fresh();
        step = 0;
        draw();
      } catch (error) {
        wanted.asked.tries -= 1;
        wanted.statement = null;
        if (wanted.asked.tries < 1) wanted.asked = null;
        show(error);
      }
    }
    show();
    return [place(), make('h1', {}, say('statement_title')), p('statement_text'), area, back()];
  }

  const base64 = (blob) => new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = fail;
    reader.readAsDataURL(blob);
  });

  // -- afterwards ----------------------------------------------------------------------------------
  const row = (key, value) => [make('dt', {}, say(key)), make('dd', {}, value)];
  const list = (counts) => make('ul', {}, ...counts.map(([kind, count]) => make('li', {}, `${count} × ${named('kind', kind)}`)));

  function standing() {
    const { status, expires_at: until, days_left: left, documents, renewal } = state.consent;
    const paper = state.category === 'employee' && !documents;
    if (state.phase === 'expired') return make('div', { class: 'note bad' }, say('expired', { day: day(until) }));
    if (status === 'review') return make('div', { class: 'note' }, say('review'));
    if (status === 'refused') return make('div', { class: 'note bad' }, say('refused'));
    return make('div', { class: paper ? 'note' : 'note good' }, say('granted', { day: day(until) }), left < 30 ? ` ${say('soon', { n: left })}` : '', paper ? ` ${say('paper_missing')}` : '',
      renewal ? ` ${say(`renewal_${renewal}`)}` : '');
  }

  function record() {
    const consent = state.consent;
    const area = make('div', {});
    const sure = () => area.replaceChildren(make('div', { class: 'card' }, p('withdraw_text'),
      button('withdraw_sure', erase, { class: 'wide risk sure', id: 'sure' }), button('cancel', () => area.replaceChildren())));
    async function erase() {
      area.replaceChildren(busy('erasing'));
      try { await ask('/withdraw', { sure: true }); await load(); } catch (error) { area.replaceChildren(trouble(error)); }
    }
    return [make('h1', {}, say('record_title')), standing(),
      make('div', { class: 'card' },
        make('dl', {}, ...row('agreed_to', make('ul', {}, ...consent.purposes.map((name) => make('li', {}, named('purpose', name))))),
          ...row('languages', consent.languages.map(tongue).join(', ') || say('any_language')),
          ...row('engines', consent.engines.map((id) => state.offer.engines[id] || id).join(', ') || say('any_engine')), ...row('given', day(consent.granted_at)), ...row('version', String(consent.version)), ...row('bound', String(consent.samples))),
        make('details', {}, make('summary', {}, say('what_said')), make('p', {}, consent.statement)),
        make('details', {}, make('summary', {}, say('notice_title')), ...(state.agreed || state.notice).text.split(/\n+/).map((part) => make('p', {}, part)),
          make('p', { class: 'dim' }, say('notice_version', { version: (state.agreed || state.notice).version })))),
      make('h2', {}, say('held')), make('div', { class: 'card' }, list(state.held.map((one) => [one.kind, one.count])),
        make('a', { class: 'button wide', href: `${base}/file.zip`, download: '', id: 'download' }, say('download')), make('p', { class: 'dim' }, say('download_text'))),
      go('renew', () => { wanted = { ...fresh(), renewing: true, engines: new Set(consent.engines), languages: new Set(consent.languages) }; step = 0; draw(); }, { id: 'renew' }),
      button('withdraw', sure, { class: 'wide risk', id: 'withdraw' }), area, make('p', { class: 'dim' }, say('keep_link'))];
  }

  function erased() {
    const told = state.receipt;
    return [make('h1', { id: 'erased' }, say('erased_title')), p('erased_text'), told ? make('div', { class: 'card' },
      make('dl', {}, ...row('erased_when', `${day(told.erased_at)} ${new Date(told.erased_at).toLocaleTimeString(language)}`), ...row('erased_id', told.speaker)),
      make('h2', {}, say('erased_what')), list(Object.entries(told.erased))) : null];
  }

  load();
})();
