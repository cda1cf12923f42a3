// What the pages do in the browser: theme, keyboard, and the player. Runs once, before the components.
() => {
  if (window.timbro) return;
  const wish = () => localStorage.getItem('timbro-theme') || 'system';
  const night = window.matchMedia('(prefers-color-scheme: dark)');
  const dress = () => {
    const dark = wish() === 'dark' || (wish() === 'system' && night.matches);
    document.body.classList.toggle('dark', dark);
    document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
    document.dispatchEvent(new Event('timbro-theme'));
  };
  const setTheme = (name) => { localStorage.setItem('timbro-theme', name); dress(); };
  window.timbro = { setTheme, theme: wish };
  night.addEventListener('change', dress);
  dress();
  document.documentElement.lang = location.pathname.startsWith('/en') ? 'en' : 'it';

  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-theme-switch]')) {
      setTheme(document.body.classList.contains('dark') ? 'light' : 'dark');
    }
  });
  // data-copy names the field whose text goes to the clipboard; outside https it is selected and copied the old way.
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    const field = button && document.getElementById(button.dataset.copy);
    if (!field) return;
    field.select();
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value).catch(() => document.execCommand('copy'));
    else document.execCommand('copy');
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 2000);
  });
  // Ctrl+Enter (Cmd+Enter) anywhere in the Clone tab presses its button.
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    const go = document.querySelector('#clone-go');
    if (go && go.offsetParent && !go.disabled) { event.preventDefault(); go.click(); }
  });
  // Gradio has no Italian and follows the browser besides: its own few words are put into the page's language.
  let gradioWords = null;
  const say = (text) => {
    const told = text.trim();
    const known = Object.keys(gradioWords).find((key) => key.endsWith(':') && told.startsWith(key));  // a figure follows
    return gradioWords[told] ?? (known && told.replace(known, gradioWords[known]));
  };
  function translateText(node) {
    const word = node.nodeValue.length < 60 && say(node.nodeValue);
    if (word && word !== node.nodeValue.trim()) node.nodeValue = node.nodeValue.replace(node.nodeValue.trim(), word);
  }
  function translate(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) translateText(node);
    for (const item of root.querySelectorAll?.('[aria-label],[title]') ?? []) {
      for (const name of ['aria-label', 'title']) {
        const word = item.hasAttribute(name) && say(item.getAttribute(name));
        if (word && word !== item.getAttribute(name)) item.setAttribute(name, word);
      }
    }
  }
  new MutationObserver((changes) => {
    if (!gradioWords) {
      const told = document.querySelector('[data-gradio-words]');
      if (!told) return;
      gradioWords = JSON.parse(told.dataset.gradioWords);
      translate(document.body);
      return;
    }
    for (const change of changes) for (const node of change.type === 'childList' ? change.addedNodes : [change.target]) {
      if (node.closest?.('timbro-player')) continue;
      if (node.nodeType === 1) translate(node);
      else if (node.nodeType === 3) translateText(node);
    }
  }).observe(document.body, { childList: true, characterData: true, subtree: true });

  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, '0')}`;
  const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

  function peaks(samples, columns) {
    const out = new Float32Array(columns);
    const step = samples.length / columns;
    for (let c = 0; c < columns; c++) {
      let most = 0;
      for (let i = Math.floor(c * step); i < Math.min(samples.length, (c + 1) * step); i++) {
        const size = Math.abs(samples[i]);
        if (size > most) most = size;
      }
      out[c] = most;
    }
    return out;
  }

  // Radix-2 FFT in place; re and im have the same length, a power of two.
  function fft(re, im) {
    const n = re.length;
    for (let i = 1, j = 0; i < n; i++) {
      let bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
    }
    for (let size = 2; size <= n; size <<= 1) {
      const angle = -2 * Math.PI / size;
      for (let start = 0; start < n; start += size) {
        for (let k = 0; k < size / 2; k++) {
          const c = Math.cos(angle * k), s = Math.sin(angle * k);
          const a = start + k, b = a + size / 2;
          const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
          re[b] = re[a] - x; im[b] = im[a] - y; re[a] += x; im[a] += y;
        }
      }
    }
  }

  // Power in dB, [column][bin], of 1024-sample Hann windows; bins up to 8 kHz.
  function spectrum(samples, rate, columns) {
    const n = 1024, bins = Math.min(n / 2, Math.floor(8000 / (rate / n)));
    const rows = [];
    for (let c = 0; c < columns; c++) {
      const at = Math.floor((samples.length - n) * c / Math.max(1, columns - 1));
      const re = new Float32Array(n), im = new Float32Array(n);
      for (let i = 0; i < n; i++) re[i] = (samples[at + i] || 0) * (0.5 - 0.5 * Math.cos(2 * Math.PI * i / n));
      fft(re, im);
      const row = new Float32Array(bins);
      for (let b = 0; b < bins; b++) row[b] = 10 * Math.log10(re[b] * re[b] + im[b] * im[b] + 1e-9);
      rows.push(row);
    }
    return rows;
  }

  const mix = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));
  function shades() {
    return document.body.classList.contains('dark')
      ? [[18, 24, 27], [24, 86, 92], [82, 190, 178], [250, 240, 200]]
      : [[250, 249, 246], [186, 216, 212], [46, 125, 122], [16, 42, 54]];
  }
  function shade(table, t) {
    const at = Math.max(0, Math.min(0.9999, t)) * (table.length - 1);
    return mix(table[Math.floor(at)], table[Math.floor(at) + 1], at % 1);
  }

  const STYLE = `
    .tb-player-row { display: flex; align-items: center; gap: 10px; }
    .tb-play { flex: none; width: 40px; height: 40px; border-radius: 50%; border: 0; background: var(--tb-accent);
      color: var(--tb-card); cursor: pointer; font-size: 14px; line-height: 1; }
    .tb-wave { flex: 1; min-width: 0; width: 100%; height: 44px; cursor: pointer; touch-action: none; }
    .tb-time { flex: none; font-variant-numeric: tabular-nums; font-size: 13px; color: var(--tb-dim); }
    .tb-spectrogram { display: block; width: 100%; height: 130px; border-radius: 10px; margin-top: 10px;
      border: 1px solid var(--tb-line); background: var(--tb-sunk); box-sizing: border-box; }
    :host([compact]) .tb-play { width: 34px; height: 34px; }
    :host([compact]) .tb-wave { height: 30px; }
    :focus-visible { outline: 3px solid var(--tb-accent); outline-offset: 2px; border-radius: 6px; }
    .tb-play:focus-visible { border-radius: 50%; }`;

  class Player extends HTMLElement {
    static observedAttributes = ['src', 'seconds'];

    connectedCallback() {
      document.addEventListener('timbro-theme', this.redraw ??= () => this.draw());
      document.addEventListener('timbro-play', this.hush ??= (event) => { if (event.detail !== this) this.audio.pause(); });
      if (this.ready) { this.draw(); return; }
      this.ready = true;
      // In a shadow: Gradio compares an area's markup with what stands there, and would take the inside away.
      const shadow = this.attachShadow({ mode: 'open' });
      shadow.innerHTML = `<style>${STYLE}</style>`;
      this.audio = document.createElement('audio');
      this.audio.preload = 'none';
      this.button = document.createElement('button');
      this.button.type = 'button';
      this.button.className = 'tb-play';
      this.wave = document.createElement('canvas');
      this.wave.className = 'tb-wave';
      this.wave.tabIndex = 0;
      this.wave.setAttribute('role', 'slider');
      this.time = document.createElement('span');
      this.time.className = 'tb-time';
      const row = document.createElement('div');
      row.className = 'tb-player-row';
      row.append(this.button, this.wave, this.time);
      shadow.append(row, this.audio);
      if (this.hasAttribute('spectrogram')) {
        this.picture = document.createElement('canvas');
        this.picture.className = 'tb-spectrogram';
        this.picture.setAttribute('role', 'img');
        this.picture.setAttribute('aria-label', this.getAttribute('label') + ' (0–8 kHz)');
        shadow.append(this.picture);
      }
      this.listen();
      this.reset();
    }

    disconnectedCallback() {
      this.audio?.pause();
      document.removeEventListener('timbro-theme', this.redraw);
      document.removeEventListener('timbro-play', this.hush);
    }

    attributeChangedCallback(name, before, after) {
      if (!this.ready || before === after) return;
      if (name === 'src') this.reset();
      else this.show();
    }

    reset() {
      this.samples = null;
      this.unreadable = false;
      this.audio.pause();
      this.audio.src = this.getAttribute('src');
      const label = this.getAttribute('label') || '';
      this.wave.setAttribute('aria-label', label);
      this.button.setAttribute('aria-label', `▶ ${label}`);
      this.show();
      this.watcher?.disconnect();
      this.watcher = new IntersectionObserver((seen) => {
        if (seen.some((entry) => entry.isIntersecting)) { this.watcher.disconnect(); this.load(); }
      });
      if (!this.hasAttribute('compact')) this.watcher.observe(this);
      this.draw();
    }

    listen() {
      new ResizeObserver(this.redraw).observe(this);
      this.button.addEventListener('click', () => {
        if (this.audio.paused) this.audio.play().catch((error) => { if (error.name !== 'AbortError') this.fail(); });
        else this.audio.pause();
      });
      for (const name of ['play', 'pause', 'ended', 'timeupdate', 'durationchange']) {
        this.audio.addEventListener(name, () => { this.show(); this.draw(); });
      }
      this.audio.addEventListener('playing', () => {
        this.unreadable = false;
        this.classList.remove('unreadable');
        this.show();
      });
      this.audio.addEventListener('play', () => {
        document.dispatchEvent(new CustomEvent('timbro-play', { detail: this }));
        this.load();
        this.run();
      });
      const seek = (x) => { if (this.length) this.audio.currentTime = this.length * Math.max(0, Math.min(1, x)); };
      this.wave.addEventListener('pointerdown', (event) => {
        const box = this.wave.getBoundingClientRect();
        seek((event.clientX - box.left) / box.width);
      });
      this.wave.addEventListener('keydown', (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step) { event.preventDefault(); seek((this.audio.currentTime + step) / this.length); }
        if (event.key === ' ') { event.preventDefault(); this.button.click(); }
      });
    }

    get length() {
      return Number.isFinite(this.audio.duration) ? this.audio.duration : Number(this.getAttribute('seconds')) || 0;
    }

    run() {
      const frame = () => { this.draw(); if (!this.audio.paused && this.isConnected) requestAnimationFrame(frame); };
      requestAnimationFrame(frame);
    }

    async load() {
      if (this.samples || this.loading) return;
      this.loading = true;
      try {
        const answer = await fetch(this.getAttribute('src'));
        if (!answer.ok) throw new Error(String(answer.status));
        const sound = await new OfflineAudioContext(1, 1, 24000).decodeAudioData(await answer.arrayBuffer());
        this.samples = sound.getChannelData(0);
        this.rate = sound.sampleRate;
        this.setAttribute('seconds', sound.duration.toFixed(2));
        this.peak = this.samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      } catch { this.fail(); }
      this.loading = false;
      this.tones = null;
      this.show();
      this.draw();
      this.dispatchEvent(new Event('loaded'));
    }

    // A sound that was deleted meanwhile, or whose consent ended: said where its length stood.
    fail() {
      this.unreadable = true;
      this.classList.add('unreadable');
      this.show();
    }

    show() {
      const playing = !this.audio.paused;
      this.button.textContent = playing ? '❚❚' : '▶';
      this.button.classList.toggle('on', playing);
      const whole = this.length ? ` / ${clock(this.length)}` : ''; // not known before the sound is fetched
      const gone = document.documentElement.lang === 'it' ? 'non c’è più' : 'no longer there';
      this.time.textContent = this.unreadable ? gone : `${clock(this.audio.currentTime || 0)}${whole}`;
      this.wave.setAttribute('aria-valuemin', '0');
      this.wave.setAttribute('aria-valuemax', this.length.toFixed(1));
      this.wave.setAttribute('aria-valuenow', (this.audio.currentTime || 0).toFixed(1));
    }

    sheet(canvas) {
      const scale = window.devicePixelRatio || 1;
      const width = Math.max(1, Math.round(canvas.clientWidth * scale));
      const height = Math.max(1, Math.round(canvas.clientHeight * scale));
      if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
      return [canvas.getContext('2d'), width, height];
    }

    draw() {
      if (!this.wave?.clientWidth) return;
      const [pen, width, height] = this.sheet(this.wave);
      pen.clearRect(0, 0, width, height);
      const step = 3 * (window.devicePixelRatio || 1), columns = Math.floor(width / step);
      const line = this.samples ? peaks(this.samples, columns) : null;
      const done = this.length ? this.audio.currentTime / this.length : 0;
      for (let c = 0; c < columns; c++) {
        const tall = line ? Math.max(2, line[c] / (this.peak || 1) * height * 0.94) : 2;
        pen.fillStyle = c / columns < done ? colour('--tb-accent') : colour('--tb-wave');
        pen.fillRect(c * step, (height - tall) / 2, step * 0.66, tall);
      }
      if (this.picture) this.paint();
    }

    paint() {
      if (!this.samples || !this.picture.clientWidth) return;
      const dark = document.body.classList.contains('dark');
      const columns = Math.min(420, this.picture.clientWidth);
      const wanted = `${columns}/${dark}`;
      if (this.painted === wanted && this.tones) return;
      this.painted = wanted;
      this.tones = spectrum(this.samples, this.rate, columns);
      const bins = this.tones[0].length;
      let top = -Infinity;
      for (const row of this.tones) for (const value of row) if (value > top) top = value;
      const table = shades();
      this.picture.width = columns;
      this.picture.height = bins;
      const pen = this.picture.getContext('2d');
      const image = pen.createImageData(columns, bins);
      for (let c = 0; c < columns; c++) {
        for (let b = 0; b < bins; b++) {
          const [r, g, blue] = shade(table, (this.tones[c][b] - top + 75) / 75);
          const at = 4 * ((bins - 1 - b) * columns + c);
          image.data[at] = r; image.data[at + 1] = g; image.data[at + 2] = blue; image.data[at + 3] = 255;
        }
      }
      pen.putImageData(image, 0, 0);
    }
  }
  customElements.define('timbro-player', Player);

  // The sound of a take that is being made: starts by itself, stays until it has been heard.
  class Live extends HTMLElement {
    connectedCallback() {
      if (this.audio) return;
      this.audio = document.createElement('audio');
      this.audio.controls = true;
      this.audio.autoplay = true;
      this.audio.src = this.getAttribute('src');
      this.audio.setAttribute('aria-label', this.getAttribute('label') || '');
      this.attachShadow({ mode: 'open' }).innerHTML = '<style>audio { width: 100%; height: 40px; }</style>';
      this.shadowRoot.append(this.audio);
      this.audio.addEventListener('play', () => document.dispatchEvent(new CustomEvent('timbro-play', { detail: this })));
      document.addEventListener('timbro-play', (event) => { if (event.detail !== this) this.audio.pause(); });
      this.audio.addEventListener('ended', () => this.classList.add('heard'));
      this.audio.addEventListener('error', () => this.classList.add('heard'));
    }
    disconnectedCallback() { this.audio?.pause(); }
  }
  customElements.define('timbro-live', Live);
}
