// The page of `face2nb.view.widgets`: draws what Python sends, and asks for what it lacks.

const KEPT = 64; // pieces of faces that the page holds
const PATIENCE = 6000; // milliseconds to wait for an answer before saying that none comes
const AHEAD = 0.12; // seconds before the first sound, enough to have it ready
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const MARKS = { accept: "✓", reject: "✗", none: "✎" };
const STATUS = { ok: "whole", partial: "in part", no_face: "no face", no_audio: "no sound", error: "failed" };
const ROW = 28; // pixels: the height of a row of the list
const KEYS = [
  ["← →", "previous, next face (with Shift: ten)"],
  ["Home End", "first, last face"],
  ["Space", "play and pause, with the sound"],
  ["W", "hear the 200 ms of this face"],
  ["A R U", "accept, reject, undo"],
  ["N", "write a note"],
  ["PgUp PgDn", "previous, next video of the list"],
  ["+ − 0", "zoom in, out, see all"],
];

const floats = (view) => {
  if (!view) return new Float32Array(0);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  return new Float32Array(bytes.buffer);
};

const clock = (seconds, digits = 3) => {
  if (!Number.isFinite(seconds)) return "–";
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes}:${(seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")} min` : `${seconds.toFixed(digits)} s`;
};

// Elements by a short description; text goes in as text, never as markup
const make = (tag, options = {}, ...children) => {
  const { class: name, on = {}, data = {}, ...rest } = options;
  const node = document.createElement(tag);
  if (name) node.className = name;
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  Object.assign(node.dataset, data);
  for (const [key, value] of Object.entries(rest)) key in node && key !== "list" ? (node[key] = value) : node.setAttribute(key, value);
  node.append(...children);
  return node;
};

const labelled = (key, title, label, run, name = "") => make("button", { class: `f2-button ${name}`, type: "button", title: `${title} (${key})`, "aria-label": title, on: { click: run } }, label);

const lookup = (() => {
  const rgb = VIRIDIS.map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
  return Array.from({ length: 256 }, (_, v) => {
    const x = (v / 255) * (rgb.length - 1);
    const i = Math.min(rgb.length - 2, Math.floor(x));
    return rgb[i].map((low, k) => Math.round(low + (rgb[i + 1][k] - low) * (x - i)));
  });
})();

// ---------------------------------------------------------------- the list of videos

class VideoList {
  constructor(choose) {
    this.choose = choose;
    this.table = { name: [] };
    this.by = null;
    this.down = false;
    this.shown = [];
    this.find = make("input", { class: "f2-find", type: "search", placeholder: "find a name", "aria-label": "find a name", on: { input: () => this.filter() } });
    this.status = make("select", { "aria-label": "status", on: { change: () => this.filter() } });
    this.decided = make("select", { "aria-label": "decision", on: { change: () => this.filter() } });
    for (const [value, text] of [["", "any decision"], ["open", "undecided"], ["accept", "accepted"], ["reject", "rejected"]]) this.decided.append(make("option", { value, textContent: text }));
    const number = (label, key) => make("input", { class: "f2-number", type: "number", min: 0, placeholder: label, "aria-label": label, title: label, data: { key }, on: { input: () => this.filter() } });
    this.limits = [number("faces from", "faces"), number("faces to", "faces"), number("seconds from", "seconds"), number("seconds to", "seconds")];
    this.columns = [["mark", "", "decision"], ["name", "video", "name"], ["faces", "faces", "faces"], ["tracks", "tracks", "tracks"], ["seconds", "s", "length in seconds"], ["status", "status", "status"]];
    this.heads = this.columns.map(([key, text, title]) => make("button", { type: "button", class: `f2-head f2-c-${key}`, title: `sort by ${title}`, "aria-label": `sort by ${title}`, data: { key }, on: { click: () => this.sort(key) } }, text || "✓"));
    this.inner = make("div", { class: "f2-inner" });
    this.body = make("div", { class: "f2-rows", role: "listbox", "aria-label": "videos", on: { scroll: () => this.draw() } }, this.inner);
    this.count = make("div", { class: "f2-count" });
    this.refresh = make("button", { class: "f2-button", type: "button", title: "read the results again, a run may have gone on" }, "Refresh");
    this.el = make(
      "div",
      { class: "f2-list" },
      make("div", { class: "f2-filters" }, this.find, make("div", { class: "f2-pair" }, this.status, this.decided), make("div", { class: "f2-pair" }, ...this.limits.slice(0, 2)), make("div", { class: "f2-pair" }, ...this.limits.slice(2))),
      make("div", { class: "f2-heads" }, ...this.heads),
      this.body,
      make("div", { class: "f2-foot" }, this.count, this.refresh),
    );
    new ResizeObserver(() => this.draw()).observe(this.body);
  }

  set(table, reviews) {
    this.table = table;
    this.marks = new Map();
    for (const r of reviews) {
      const mark = this.marks.get(r.video) ?? { parts: 0 };
      if (r.track === null && r.frame === null) mark.whole = r.decision;
      else mark.parts += 1;
      this.marks.set(r.video, mark);
    }
    const known = [...new Set(table.status)].sort();
    const before = this.status.value;
    this.status.replaceChildren(make("option", { value: "", textContent: "any status" }), ...known.map((s) => make("option", { value: s, textContent: STATUS[s] ?? s })));
    this.status.value = known.includes(before) ? before : "";
    this.filter();
  }

  value(key, i) {
    if (key !== "mark") return this.table[key][i];
    const mark = this.marks.get(this.table.name[i]);
    return mark ? (mark.whole ?? "part") : null;
  }

  filter() {
    const { table } = this;
    const words = this.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const limits = this.limits.map((input, k) => [input.dataset.key, k % 2, input.value === "" ? null : Number(input.value)]).filter(([, , n]) => n !== null);
    this.shown = [];
    for (let i = 0; i < table.name.length; i++) {
      const name = table.name[i].toLowerCase();
      if (!words.every((w) => name.includes(w))) continue;
      if (this.status.value && table.status[i] !== this.status.value) continue;
      const mark = this.value("mark", i);
      if (this.decided.value === "open" ? mark === "accept" || mark === "reject" : this.decided.value && mark !== this.decided.value) continue;
      if (limits.some(([key, most, n]) => (most ? !((table[key][i] ?? 0) <= n) : !((table[key][i] ?? 0) >= n)))) continue;
      this.shown.push(i);
    }
    if (this.by) {
      const up = this.down ? -1 : 1;
      const keyed = this.shown.map((i) => [this.value(this.by, i), i]);
      const gone = (v) => v === null || v === undefined;
      keyed.sort(([a, i], [b, j]) => (gone(a) || gone(b) ? gone(a) - gone(b) || i - j : a < b ? -up : a > b ? up : i - j));
      this.shown = keyed.map(([, i]) => i);
    }
    this.count.textContent = this.shown.length === table.name.length ? `${table.name.length.toLocaleString("en")} videos` : `${this.shown.length.toLocaleString("en")} of ${table.name.length.toLocaleString("en")} videos`;
    this.draw(true);
  }

  sort(key) {
    if (this.by === key && this.down) [this.by, this.down] = [null, false];
    else [this.by, this.down] = [key, this.by === key];
    for (const head of this.heads) head.dataset.order = head.dataset.key === this.by ? (this.down ? "down" : "up") : "";
    this.filter();
  }

  step(by) {
    const at = this.shown.findIndex((i) => this.table.name[i] === this.video);
    const next = this.shown[Math.max(0, Math.min(this.shown.length - 1, at < 0 ? 0 : at + by))];
    if (next !== undefined) this.choose(this.table.name[next]);
  }

  show(video) {
    this.video = video;
    const at = this.shown.findIndex((i) => this.table.name[i] === video);
    if (at >= 0) {
      const top = at * ROW;
      if (top < this.body.scrollTop) this.body.scrollTop = top;
      else if (top + ROW > this.body.scrollTop + this.body.clientHeight) this.body.scrollTop = top + ROW - this.body.clientHeight;
    }
    this.draw(true);
  }

  // Only the rows that are seen exist, so that a hundred thousand videos scroll like ten
  draw(anew = false) {
    const first = Math.max(0, Math.floor(this.body.scrollTop / ROW) - 4);
    const last = Math.min(this.shown.length, first + Math.ceil((this.body.clientHeight || 300) / ROW) + 8);
    if (!anew && this.drawn === `${first}-${last}`) return;
    this.drawn = `${first}-${last}`;
    this.inner.style.height = `${this.shown.length * ROW}px`;
    this.inner.replaceChildren(...this.shown.slice(first, last).map((i, k) => this.row(i, (first + k) * ROW)));
  }

  row(i, top) {
    const { table } = this;
    const name = table.name[i];
    const mark = this.value("mark", i);
    const cell = (key, text, title = "") => make("span", { class: `f2-c-${key}`, title }, text);
    const row = make(
      "div",
      { class: "f2-row", role: "option", data: { video: name, status: table.status[i], mark: mark ?? "" }, "aria-selected": String(name === this.video), on: { click: () => this.choose(name) } },
      cell("mark", mark === "part" ? "·" : (MARKS[mark] ?? ""), mark === "part" ? "decisions on some of it" : ""),
      cell("name", name, name),
      cell("faces", table.faces[i] ? table.faces[i].toLocaleString("en") : "–"),
      cell("tracks", table.tracks[i] || "–"),
      cell("seconds", table.seconds[i] == null ? "–" : Math.round(table.seconds[i])),
      cell("status", STATUS[table.status[i]] ?? table.status[i], table.error[i] ?? ""),
    );
    row.style.top = `${top}px`;
    return row;
  }
}

// ---------------------------------------------------------------- the sound

class Player {
  constructor(model) {
    this.model = model;
    this.waiting = new Map();
    this.sources = new Set();
    this.asked = 0;
    model.on("msg:custom", (content, buffers) => {
      const resolve = this.waiting.get(content.id);
      this.waiting.delete(content.id);
      if (resolve) resolve([content, buffers[0]]);
    });
  }

  ready() {
    this.context ??= new AudioContext();
    if (this.context.state === "suspended") this.context.resume();
    return this.context;
  }

  ask(what, time) {
    const id = ++this.asked;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.model.send({ do: what, time, id });
    });
  }

  put(content, view, at) {
    const pcm = new Int16Array(new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer);
    if (!pcm.length) return 0;
    const buffer = this.context.createBuffer(1, pcm.length, content.rate);
    buffer.getChannelData(0).set(Float32Array.from(pcm, (v) => v / 32768));
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    // what comes late begins late, but not out of step
    const late = Math.max(0, this.context.currentTime - at);
    if (late < buffer.duration) source.start(Math.max(at, this.context.currentTime), late);
    this.sources.add(source);
    source.onended = () => this.sources.delete(source);
    return buffer.duration;
  }

  async window(time) {
    this.stop();
    this.ready();
    const [content, view] = await this.ask("window", time);
    this.put(content, view, this.context.currentTime);
  }

  // The sound from `time` on; gives the clock that the pictures follow
  async play(time) {
    this.stop();
    this.ready();
    const turn = (this.turn = {});
    const first = await this.ask("sound", time);
    if (this.turn !== turn) return null;
    const begin = this.context.currentTime + AHEAD;
    const more = async ([content, view], from) => {
      const next = from + this.put(content, view, begin + from - time);
      if (content.last || this.turn !== turn) return;
      const pause = begin + next - time - this.context.currentTime - 4;
      await new Promise((go) => setTimeout(go, Math.max(0, pause * 1000)));
      if (this.turn === turn) more(await this.ask("sound", next), next);
    };
    more(first, time);
    return () => time + this.context.currentTime - begin;
  }

  stop() {
    this.turn = null;
    for (const source of this.sources) source.stop();
    this.sources.clear();
  }
}

// ---------------------------------------------------------------- the strip of time

class Timeline {
  constructor(seek) {
    this.seek = seek;
    this.canvas = make("canvas", { class: "f2-time", role: "img", "aria-label": "sound, tracks, probability and size over time; click to go there" });
    this.view = [0, 1];
    this.whole = [0, 1];
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return this.view[0] + ((event.clientX - box.left - this.left) / (box.width - this.left - 8)) * (this.view[1] - this.view[0]);
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.seek(at(event));
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.seek(at(event)));
    this.canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey) return; // a page must scroll over it
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, at(event));
    });
    this.left = 66;
  }

  set(data) {
    Object.assign(this, data);
    const ends = [this.time.at(-1) ?? 0, this.tracks.time?.at(-1) ?? 0, this.seconds ?? 0];
    this.whole = [0, Math.max(0.04, ...ends.filter(Number.isFinite))];
    this.view = [...this.whole];
    this.runs = this.asRuns();
  }

  // Stretches in which a track is there without a gap
  asRuns() {
    const { tracks } = this;
    const open = new Map();
    const runs = [];
    const lanes = new Map();
    const n = tracks.track?.length ?? 0;
    let step = Infinity;
    for (let i = 1; i < n; i++) if (tracks.time[i] > tracks.time[i - 1]) step = Math.min(step, tracks.time[i] - tracks.time[i - 1]);
    for (let i = 0; i < n; i++) {
      const id = tracks.track[i];
      if (!lanes.has(id)) lanes.set(id, lanes.size);
      const last = open.get(id);
      if (last && tracks.frame[i] - last.frame <= 1) Object.assign(last, { to: tracks.time[i], frame: tracks.frame[i] });
      else {
        const run = { id, from: tracks.time[i], to: tracks.time[i], frame: tracks.frame[i], shot: tracks.shot[i] };
        open.set(id, run);
        runs.push(run);
      }
    }
    this.lanes = lanes;
    this.step = Number.isFinite(step) ? step : 0.04;
    this.cuts = [];
    for (let i = 1; i < n; i++) if (tracks.shot[i] > tracks.shot[i - 1]) this.cuts.push(tracks.time[i]);
    return runs;
  }

  zoom(by, around) {
    const [a, b] = this.view;
    const [low, high] = this.whole;
    const width = Math.min(high - low, Math.max(0.2, (b - a) * by));
    const from = Math.min(Math.max(low, around - (around - a) * (width / (b - a))), high - width);
    this.view = [from, from + width];
    this.draw();
  }

  fit() {
    this.view = [...this.whole];
    this.draw();
  }

  follow(time) {
    const [a, b] = this.view;
    if (time >= a && time <= b) return;
    const from = Math.min(Math.max(this.whole[0], time - (b - a) * 0.1), this.whole[1] - (b - a));
    this.view = [from, from + b - a];
  }

  draw(now = this.now) {
    this.now = now;
    const { canvas } = this;
    const width = canvas.clientWidth;
    if (!width || !this.runs) return;
    const laneCount = Math.max(1, this.lanes.size);
    const laneHeight = Math.max(3, Math.min(12, 72 / laneCount));
    const heights = { sound: 56, ticks: 12, tracks: Math.round(laneHeight * laneCount) + 6, prob: 36, size: 36, axis: 18 };
    const height = Object.values(heights).reduce((a, b) => a + b, 0) + 20;
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.height = `${height}px`;
    }
    const style = getComputedStyle(canvas);
    const ink = style.getPropertyValue("--f2-ink").trim();
    const faint = style.getPropertyValue("--f2-faint").trim();
    const line = style.getPropertyValue("--f2-line").trim();
    const accent = style.getPropertyValue("--f2-accent").trim();
    const g = canvas.getContext("2d");
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, width, height);
    g.font = `11px ${style.fontFamily}`;
    g.textBaseline = "middle";
    const { left } = this;
    const right = width - 8;
    const [a, b] = this.view;
    const x = (t) => left + ((t - a) / (b - a)) * (right - left);
    const label = (text, y) => {
      g.fillStyle = faint;
      g.textAlign = "right";
      g.fillText(text, left - 8, y);
    };
    let y = 2;

    // shots, behind everything
    const bottom = height - heights.axis;
    g.fillStyle = line;
    for (const cut of this.cuts) if (cut >= a && cut <= b) g.fillRect(Math.round(x(cut)), y, 1, bottom - y);
    // the 200 ms of the face that is shown
    if (now) {
      g.globalAlpha = 0.22;
      g.fillStyle = accent;
      const from = Math.max(left, x(now.time - 0.1));
      g.fillRect(from, y, Math.max(2, Math.min(right, x(now.time + 0.1)) - from), bottom - y);
      g.globalAlpha = 1;
    }

    // the sound
    const middle = y + heights.sound / 2;
    g.fillStyle = this.outline ? ink : faint;
    if (this.outline) {
      label("sound", middle);
      g.globalAlpha = 0.75;
      for (let px = left; px < right; px++) {
        const from = Math.floor((a + ((px - left) / (right - left)) * (b - a)) * 100);
        const to = Math.max(from + 1, Math.floor((a + ((px + 1 - left) / (right - left)) * (b - a)) * 100));
        let low = 0;
        let high = 0;
        for (let i = Math.max(0, from); i < Math.min(to, this.outline.length / 2); i++) {
          low = Math.min(low, this.outline[2 * i]);
          high = Math.max(high, this.outline[2 * i + 1]);
        }
        const unit = heights.sound / 2 / this.loudest;
        g.fillStyle = ink;
        g.fillRect(px, middle - high * unit, 1, Math.max(1, (high - low) * unit));
      }
      g.globalAlpha = 1;
    } else {
      label("sound", middle);
      g.textAlign = "left";
      g.fillStyle = faint;
      g.fillText(this.silence, left + 6, middle);
    }
    y += heights.sound + 4;

    // faces as ticks
    label("faces", y + heights.ticks / 2);
    g.fillStyle = ink;
    let taken = -9;
    for (let i = 0; i < this.time.length; i++) {
      const px = Math.round(x(this.time[i]));
      if (px === taken || px < left || px > right) continue;
      g.fillRect((taken = px), y, 1, heights.ticks);
    }
    y += heights.ticks + 6;

    // tracks, a lane each
    label(laneCount > 1 ? `${laneCount} tracks` : "track", y + heights.tracks / 2);
    for (const run of this.runs) {
      if (run.to < a || run.from > b) continue;
      const top = y + this.lanes.get(run.id) * laneHeight + 2;
      const from = Math.max(left, x(run.from - this.step / 2));
      const to = Math.min(right, x(run.to + this.step / 2));
      const current = now && now.track === run.id;
      g.globalAlpha = !now || current ? 1 : 0.55;
      g.fillStyle = this.color(run.id);
      g.fillRect(from, top, Math.max(1.5, to - from), laneHeight - 2);
      g.globalAlpha = 1;
    }
    y += heights.tracks + 4;

    // probability and size of the saved faces, broken where frames are missing
    const lines = [
      ["probability", this.prob, 0.5, 1, heights.prob, "0.5 to 1"],
      [`size, to ${Math.round(this.largest)} px`, this.size, 0, this.largest, heights.size, ""],
    ];
    for (const [name, values, low, high, tall] of lines) {
      const [word, ...unit] = name.split(", ");
      label(word, y + tall / 2 - (unit.length ? 6 : 0));
      if (unit.length) label(unit[0], y + tall / 2 + 7);
      g.strokeStyle = line;
      g.lineWidth = 1;
      g.strokeRect(left + 0.5, y + 0.5, right - left - 1, tall - 5);
      const last = new Map();
      g.lineWidth = 1.5;
      for (let i = 0; i < values.length; i++) {
        const id = this.track[i];
        const before = last.get(id);
        const py = y + (tall - 5) * (1 - (Math.min(high, Math.max(low, values[i])) - low) / (high - low || 1));
        const px = x(this.time[i]);
        last.set(id, [px, py, this.frame[i]]);
        if (px < left || px > right || !Number.isFinite(py)) continue;
        g.strokeStyle = g.fillStyle = this.color(id);
        if (before && this.frame[i] - before[2] <= this.stride && before[0] >= left) {
          if (px - before[0] < 0.3 && Math.abs(py - before[1]) < 0.5) continue;
          g.beginPath();
          g.moveTo(before[0], before[1]);
          g.lineTo(px, py);
          g.stroke();
        } else g.fillRect(px - 1, py - 1, 2, 2);
      }
      y += tall;
    }

    // the axis
    const span = b - a;
    const unit = [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600].find((u) => (span / u) * 62 < right - left) ?? 7200;
    g.fillStyle = faint;
    g.textAlign = "center";
    for (let t = Math.ceil(a / unit) * unit; t <= b + 1e-9; t += unit) {
      const px = Math.round(x(t));
      g.fillRect(px, bottom - 2, 1, 4);
      if (px < right - 14) g.fillText(clock(t, unit < 1 ? (unit < 0.1 ? 2 : 1) : 0), Math.max(left + 10, px), bottom + 10);
    }
    if (now) {
      g.fillStyle = accent;
      g.fillRect(Math.round(x(now.time)) - 0.5, 2, 1.5, bottom - 2);
    }
  }
}

// ---------------------------------------------------------------- one view

class View {
  constructor(model, el) {
    this.model = model;
    this.pieces = new Map();
    this.player = new Player(model);
    this.list = new VideoList((video) => this.choose(video));
    this.timeline = new Timeline((time) => this.at(time));
    this.build(el);
    this.listen();
    this.newVideo();
    this.list.set(model.get("table"), model.get("reviews"));
    this.list.show(model.get("video"));
  }

  build(el) {
    this.face = make("img", { class: "f2-face", alt: "the face" });
    this.mfcc = make("canvas", { class: "f2-mfcc", role: "img", "aria-label": "MFCC of its 200 ms", title: "MFCC of the 200 ms around the face: time to the right, coefficient 0 below" });
    this.frame = make("img", { class: "f2-frame", alt: "the frame that the face was cut from" });
    this.boxes = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.boxes.setAttribute("class", "f2-boxes");
    this.nothing = make("div", { class: "f2-nothing" });
    this.stage = make("div", { class: "f2-stage" }, this.frame, this.boxes, this.nothing);
    this.text = make("div", { class: "f2-text" });
    this.facts = make("div", { class: "f2-facts" });
    this.title = make("div", { class: "f2-title" });
    this.chip = make("span", { class: "f2-chip" });
    this.verdicts = make("span", { class: "f2-verdicts" });
    this.message = make("div", { class: "f2-message", role: "status" });
    this.slider = make("input", { class: "f2-slider", type: "range", min: 0, max: 0, value: 0, "aria-label": "face", on: { input: () => this.show(this.order[this.slider.value]) } });
    this.playing = labelled("Space", "play", "▶", () => this.toggle(), "f2-play");
    this.window = labelled("W", "hear the 200 ms of this face", "♪ 200 ms", () => this.hear(), "f2-window");
    this.tracks = make("select", { class: "f2-tracks", "aria-label": "track", title: "which track to go through", on: { change: () => this.setOrder() } });
    this.note = make("input", { class: "f2-note", type: "text", placeholder: "note (N)", "aria-label": "note", on: { keydown: (e) => e.key === "Enter" && this.decide("none") } });
    this.scopes = ["video", "track", "face"].map((scope) => make("button", { class: "f2-button f2-scope", type: "button", data: { scope }, title: `decide on this ${scope}`, on: { click: () => this.setScope(scope) } }, scope));
    this.accept = labelled("A", "accept", "✓ Accept", () => this.decide("accept"), "f2-accept");
    this.reject = labelled("R", "reject", "✗ Reject", () => this.decide("reject"), "f2-reject");
    this.undo = labelled("U", "undo the decision", "Undo", () => this.decide("none", true), "f2-undo");
    this.help = make("dialog", { class: "f2-help" }, make("table", {}, ...KEYS.map(([key, what]) => make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, what)))), make("form", { method: "dialog" }, make("button", { class: "f2-button" }, "Close")));
    this.root = make(
      "div",
      // JupyterLab hears all keys first; this keeps its own shortcuts (A inserts a cell) out of here
      { class: "f2-explorer", tabIndex: 0, "data-lm-suppress-shortcuts": "true", on: { keydown: (e) => this.key(e) } },
      this.list.el,
      make(
        "div",
        { class: "f2-main" },
        make("div", { class: "f2-top" }, this.title, this.chip, this.verdicts, make("button", { class: "f2-button f2-keys", type: "button", title: "keys (?)", "aria-label": "keys", on: { click: () => this.help.showModal() } }, "?")),
        this.message,
        make("div", { class: "f2-pictures" }, this.stage, make("div", { class: "f2-pairing" }, this.face, this.mfcc, this.facts)),
        make("div", { class: "f2-transport" }, labelled("←", "previous face", "◀", () => this.step(-1)), this.playing, labelled("→", "next face", "▶|", () => this.step(1), "f2-next"), this.slider, this.tracks, this.window),
        this.text,
        this.timeline.canvas,
        make("div", { class: "f2-zoom" }, labelled("−", "zoom out", "−", () => this.zoom(2)), labelled("+", "zoom in", "+", () => this.zoom(0.5)), labelled("0", "see all", "all", () => this.timeline.fit())),
        make("div", { class: "f2-review" }, make("span", { class: "f2-scopes", role: "group", "aria-label": "decide on" }, ...this.scopes), this.accept, this.reject, this.undo, this.note, labelled("Enter", "save the note", "Save note", () => this.decide("none"), "f2-save")),
      ),
      this.help,
    );
    this.setScope("video");
    el.append(this.root);
    this.resized = new ResizeObserver(() => {
      const width = this.root.clientWidth;
      this.root.classList.toggle("f2-narrow", width < 860);
      this.root.classList.toggle("f2-tight", width < 520);
      this.timeline.draw();
      if (this.n) this.drawBoxes();
    });
    this.resized.observe(this.root);
    const redraw = () => requestAnimationFrame(() => this.timeline.draw());
    this.themes = new MutationObserver(redraw); // pages switch to dark in many ways, all of them by an attribute
    for (const node of [document.documentElement, document.body]) this.themes.observe(node, { attributes: true, attributeFilter: ["class", "style", "data-theme", "data-jp-theme-light"] });
    this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", redraw);
    this.redraw = redraw;
  }

  listen() {
    const { model } = this;
    const handlers = {
      "change:table": () => this.tableChanged(),
      "change:reviews": () => this.tableChanged(),
      "change:detail": () => this.newVideo(),
      "change:piece": () => this.newPiece(),
      "change:picture": () => this.drawFrame(),
      "change:outline": () => this.newOutline(),
      "change:message": () => this.tell(),
      "change:position": () => model.get("position") !== this.position && this.show(model.get("position"), false),
      "msg:custom": () => {}, // every wish is acknowledged
    };
    for (const [event, handler] of Object.entries(handlers)) {
      const answered = handler;
      handlers[event] = () => {
        if (event !== "change:position") this.answered();
        answered();
      };
      model.on(event, handlers[event]);
    }
    this.list.refresh.addEventListener("click", () => this.send({ do: "refresh" }));
    this.forget = () => {
      for (const [event, handler] of Object.entries(handlers)) model.off(event, handler);
    };
  }

  close() {
    this.stop();
    this.forget();
    clearTimeout(this.unanswered);
    this.resized.disconnect();
    this.themes.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    this.player.context?.close();
  }

  // A page in a document has no Python behind it, and a kernel may be busy or gone: who waits is told
  send(wish) {
    this.model.send(wish);
    this.expect();
  }

  expect() {
    this.unanswered ??= setTimeout(() => {
      this.root.dataset.alone = "true";
      this.tell();
    }, PATIENCE);
  }

  answered() {
    clearTimeout(this.unanswered);
    this.unanswered = null;
    if (!this.root.dataset.alone) return;
    this.root.dataset.alone = "";
    this.tell();
  }

  choose(video) {
    if (video === this.model.get("video")) return;
    this.stop();
    this.root.dataset.ready = "";
    this.list.show(video);
    this.model.set("video", video);
    this.model.save_changes();
    this.expect();
  }

  tableChanged() {
    this.list.set(this.model.get("table"), this.model.get("reviews"));
    this.drawVerdicts();
    this.tell();
  }

  newVideo() {
    const { model } = this;
    const detail = model.get("detail");
    const video = detail.video ?? "";
    this.stop();
    this.pieces.clear();
    this.pending = null;
    this.n = detail.n ?? 0;
    this.position = -1;
    Object.assign(this, { time: floats(detail.time), frames: floats(detail.frame), track: floats(detail.track), prob: floats(detail.prob), box: floats(detail.box) });
    const tracks = {};
    for (const [key, value] of Object.entries(detail.tracks ?? {})) tracks[key] = floats(value);
    if (!detail.tracks) Object.assign(tracks, { time: this.time, frame: this.frames, track: this.track, prob: this.prob, box: this.box, shot: this.track.map(() => 0), found: this.track.map(() => 1) });
    this.all = tracks;
    this.byFrame = new Map();
    tracks.frame.forEach((f, i) => (this.byFrame.get(f) ?? this.byFrame.set(f, []).get(f)).push(i));
    const size = this.time.map((_, i) => Math.max(this.box[4 * i + 2] - this.box[4 * i], this.box[4 * i + 3] - this.box[4 * i + 1]));
    let stride = Infinity;
    for (let i = 1; i < this.n; i++) if (this.frames[i] > this.frames[i - 1]) stride = Math.min(stride, this.frames[i] - this.frames[i - 1]);
    const colors = detail.colors ?? ["#888888"];
    this.color = (id) => colors[((id % colors.length) + colors.length) % colors.length];
    this.outlineOf(model.get("outline"), detail);
    this.timeline.set({ time: this.time, frame: this.frames, track: this.track, prob: this.prob, size, largest: size.reduce((a, b) => Math.max(a, b || 0), 1), tracks, stride, color: this.color });
    this.list.show(video);
    const i = model.get("table").name?.indexOf(video) ?? -1;
    const status = i < 0 ? "" : model.get("table").status[i];
    this.title.textContent = video;
    this.title.title = video;
    this.chip.textContent = STATUS[status] ?? status;
    this.chip.dataset.status = status;
    this.frame.removeAttribute("src");
    this.face.removeAttribute("src");
    this.mfcc.style.display = detail.has_sound ? "" : "none";
    this.root.classList.toggle("f2-empty", !this.n);
    this.root.dataset.video = video;
    this.scopes.slice(1).forEach((button) => (button.disabled = !this.n));
    if (!this.n) this.setScope("video");
    this.fillTracks();
    this.tell();
    this.drawVerdicts();
    if (this.n) {
      this.newPiece();
      const at = Math.min(model.get("position"), this.n - 1);
      this.show(at || this.order[0], !at);
    } else {
      this.boxes.replaceChildren();
      this.text.textContent = "";
      this.facts.replaceChildren();
      this.timeline.draw(null);
      this.root.dataset.ready = "none";
    }
  }

  fillTracks() {
    const counts = new Map();
    for (const id of this.track) counts.set(id, (counts.get(id) ?? 0) + 1);
    const several = counts.size > 1;
    const together = this.frames.some((f, i) => i && f === this.frames[i - 1]);
    this.tracks.replaceChildren(make("option", { value: "", textContent: "all tracks" }), ...[...counts].map(([id, n]) => make("option", { value: id, textContent: `track ${id}: ${n.toLocaleString("en")}` })));
    // where several faces are saved of a frame, going through all of them is a flicker
    this.tracks.value = together ? String([...counts].sort((a, b) => b[1] - a[1])[0][0]) : "";
    this.tracks.style.display = several ? "" : "none";
    this.setOrder(false);
  }

  setOrder(show = true) {
    const wanted = this.tracks.value;
    this.order = [];
    for (let i = 0; i < this.n; i++) if (wanted === "" || this.track[i] === Number(wanted)) this.order.push(i);
    this.slider.max = Math.max(0, this.order.length - 1);
    if (show && this.n) this.show(this.order[this.rank(this.time[this.position])]);
  }

  // The last face of the order that is on the screen at a time
  rank(time) {
    let low = 0;
    let high = this.order.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (this.time[this.order[mid]] <= time + 1e-4) low = mid;
      else high = mid - 1;
    }
    return low;
  }

  at(time) {
    if (!this.n) return;
    const k = this.rank(time);
    const next = this.order[Math.min(k + 1, this.order.length - 1)];
    this.stop();
    this.show(Math.abs(this.time[next] - time) < Math.abs(this.time[this.order[k]] - time) ? next : this.order[k]);
  }

  step(by) {
    if (!this.n) return;
    this.stop();
    const k = this.order.indexOf(this.position);
    this.show(this.order[Math.max(0, Math.min(this.order.length - 1, k + by))]);
  }

  show(i, tell = true) {
    if (!this.n || i === undefined || i < 0 || i >= this.n) return;
    this.position = i;
    if (this.order[this.rank(this.time[i])] !== i && !this.order.includes(i)) {
      this.tracks.value = "";
      this.setOrder(false);
    }
    const k = this.order.indexOf(i);
    this.slider.value = k;
    this.root.dataset.ready = "";
    this.root.dataset.position = i;
    if (tell && this.model.get("position") !== i) {
      this.model.set("position", i);
      this.model.save_changes();
    }
    this.drawFace();
    this.drawBoxes();
    this.drawFacts(k);
    this.wishFrame();
    this.timeline.follow(this.time[i]);
    this.timeline.draw({ time: this.time[i], track: this.track[i] });
  }

  newPiece() {
    const piece = this.model.get("piece");
    if (piece.video !== this.model.get("detail").video) return;
    if (this.pending === piece.k) this.pending = null;
    const faces = piece.faces.map((v) => URL.createObjectURL(new Blob([v], { type: "image/jpeg" })));
    const old = this.pieces.get(piece.k);
    if (old) old.faces.forEach(URL.revokeObjectURL);
    this.pieces.set(piece.k, { faces, sounds: piece.sounds, steps: piece.steps });
    for (const [k, { faces: urls }] of this.pieces) {
      if (this.pieces.size <= KEPT) break;
      if (Math.abs(k - piece.k) < 2) continue;
      urls.forEach(URL.revokeObjectURL);
      this.pieces.delete(k);
    }
    if (this.position >= 0) this.drawFace();
  }

  ask(k) {
    if (k < 0 || k * this.model.get("detail").piece >= this.n || this.pieces.has(k) || this.pending === k) return;
    this.pending = k;
    this.send({ do: "piece", k });
  }

  drawFace() {
    const size = this.model.get("detail").piece;
    const k = Math.floor(this.position / size);
    const piece = this.pieces.get(k);
    if (!piece) return this.ask(k);
    if (this.pending === null) this.ask(this.position % size > size / 3 ? k + 1 : k - 1);
    const i = this.position - k * size;
    const { position } = this;
    if (piece.sounds.length) this.drawSound(piece.sounds[i], piece.steps);
    this.face.src = piece.faces[i];
    this.face.decode().then(
      () => position === this.position && (this.root.dataset.ready = String(position)),
      () => {}, // another one came before it was decoded
    );
  }

  drawSound(view, steps) {
    const high = view.byteLength / steps;
    const values = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    this.mfcc.width = steps;
    this.mfcc.height = high;
    const g = this.mfcc.getContext("2d");
    const image = g.createImageData(steps, high);
    for (let t = 0; t < steps; t++) for (let c = 0; c < high; c++) image.data.set([...lookup[values[t * high + c]], 255], 4 * ((high - 1 - c) * steps + t));
    g.putImageData(image, 0, 0);
  }

  wishFrame() {
    if (!this.model.get("detail").source) return;
    clearTimeout(this.wish);
    const picture = this.model.get("picture");
    if (picture.video === this.root.dataset.video && picture.position === this.position) return this.drawFrame();
    this.frame.classList.add("f2-old");
    const { position } = this;
    this.wish = setTimeout(() => this.model.send({ do: "frame", position }), this.clock ? 0 : 40);
  }

  drawFrame() {
    const picture = this.model.get("picture");
    if (!picture.jpeg || picture.video !== this.model.get("detail").video) return;
    const old = this.frame.src;
    this.size = [picture.width, picture.height];
    this.frame.src = URL.createObjectURL(new Blob([picture.jpeg], { type: "image/jpeg" }));
    if (old) URL.revokeObjectURL(old);
    this.frame.classList.toggle("f2-old", !this.clock && picture.position !== this.position);
    this.root.dataset.frame = picture.position;
    this.drawBoxes();
    if (picture.known?.length && picture.position === this.position) this.drawFacts(this.order.indexOf(this.position));
  }

  drawBoxes() {
    const { source } = this.model.get("detail");
    const shown = this.model.get("picture");
    const sized = shown.video === this.model.get("detail").video ? [shown.width, shown.height] : null;
    this.nothing.textContent = source ? "" : this.n ? "the source is not where it was: only where the faces stood" : "";
    if (!this.n) return;
    let [width, height] = sized ?? [0, 0];
    if (!sized) for (let i = 0; i < this.all.box.length; i += 4) [width, height] = [Math.max(width, this.all.box[i + 2]), Math.max(height, this.all.box[i + 3])];
    if (!(width > 0)) return;
    this.stage.style.setProperty("--f2-ratio", width / height);
    this.boxes.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const unit = Math.max(width / Math.max(200, this.stage.clientWidth), height / Math.max(150, this.stage.clientHeight));
    const here = this.byFrame.get(this.frames[this.position]) ?? [];
    const svg = (tag, attributes) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      return node;
    };
    const nodes = [];
    for (const j of here) {
      const [x1, y1, x2, y2] = this.all.box.subarray(4 * j, 4 * j + 4);
      const id = this.all.track[j];
      const own = id === this.track[this.position];
      const color = this.color(id);
      const common = { x: x1, y: y1, width: x2 - x1, height: y2 - y1, fill: "none" };
      nodes.push(svg("rect", { ...common, stroke: "#000", "stroke-opacity": 0.55, "stroke-width": (own ? 5 : 3.5) * unit }));
      nodes.push(svg("rect", { ...common, stroke: color, "stroke-width": (own ? 3 : 1.5) * unit, "stroke-dasharray": this.all.found[j] ? "none" : `${5 * unit} ${4 * unit}` }));
      const above = y1 > 16 * unit;
      nodes.push(svg("rect", { x: x1, y: above ? y1 - 16 * unit : y1, width: (String(id).length * 7 + 8) * unit, height: 16 * unit, fill: color }));
      const text = svg("text", { x: x1 + 4 * unit, y: above ? y1 - 4 * unit : y1 + 12 * unit, "font-size": 12 * unit, fill: "#fff", "font-weight": 700, stroke: "#000", "stroke-width": 2.5 * unit, "stroke-opacity": 0.6, "paint-order": "stroke" });
      const name = this.known(id)?.label;
      text.textContent = name ? `${id} ${name}` : id;
      nodes.push(text);
      if (name) nodes.at(-2).setAttribute("width", (text.textContent.length * 7 + 8) * unit);
    }
    // points and axes belong to the frame that is on the screen
    for (const face of sized ? (shown.known ?? []) : []) nodes.push(...this.marks(face, svg, unit));
    this.boxes.replaceChildren(...nodes);
  }

  // What is known of a track in the frame that is on the screen
  known(id) {
    const shown = this.model.get("picture");
    return shown.video === this.model.get("detail").video ? shown.known?.find((face) => face.track === id) : undefined;
  }

  marks(face, svg, unit) {
    const nodes = [];
    for (const [first, past, closed] of face.points ? (this.model.get("detail").lines ?? []) : []) {
      const points = face.points.slice(first, past).map((p) => p.join(",")).join(" ");
      nodes.push(svg(closed ? "polygon" : "polyline", { class: "f2-mark", points, fill: "none", stroke: "#fff", "stroke-opacity": 0.85, "stroke-width": 1.2 * unit }));
    }
    // to the head's left, up, and where it points
    (face.axes ?? []).forEach(([x1, y1, x2, y2], k) => {
      nodes.push(svg("line", { class: "f2-axis", x1, y1, x2, y2, stroke: "#fff", "stroke-opacity": 0.7, "stroke-width": 3.4 * unit }));
      nodes.push(svg("line", { class: "f2-axis", x1, y1, x2, y2, stroke: ["#e63c3c", "#3cc850", "#4678ff"][k], "stroke-width": 2 * unit }));
    });
    return nodes;
  }

  drawFacts(k) {
    const i = this.position;
    const side = Math.max(this.box[4 * i + 2] - this.box[4 * i], this.box[4 * i + 3] - this.box[4 * i + 1]);
    const many = this.order.length.toLocaleString("en");
    this.text.textContent = `${(k + 1).toLocaleString("en")} of ${many} faces · frame ${this.frames[i]} · ${clock(this.time[i])}`;
    const known = this.model.get("picture").position === i ? this.known(this.track[i]) : undefined;
    const facts = [["probability", Number.isFinite(this.prob[i]) ? this.prob[i].toFixed(3) : "–"], ["size", Number.isFinite(side) ? `${Math.round(side)} px` : "–"], ["track", String(this.track[i])]];
    if (known?.label) facts.push(["name", known.label]);
    if (known?.pose) facts.push(["yaw, pitch, roll", known.pose.map((a) => `${a < 0 ? "−" : ""}${Math.abs(Math.round(a))}°`).join(" ")]);
    this.facts.replaceChildren(...facts.map(([name, value]) => make("div", {}, make("span", {}, name), make("b", {}, value))));
    this.drawVerdicts();
  }

  outlineOf(outline, detail) {
    const own = outline.video === detail.video && outline.values;
    const values = own ? new Int8Array(outline.values.buffer, outline.values.byteOffset, outline.values.byteLength) : null;
    let loudest = 13; // a tenth of the range: silence must not look like speech
    if (values) for (const v of values) loudest = Math.max(loudest, Math.abs(v));
    const silence = detail.source ? "no sound, or not read yet" : "the source is not where it was: no sound to hear";
    Object.assign(this.timeline, { outline: values, loudest, seconds: own ? outline.seconds : 0, silence });
    this.window.disabled = !own;
    this.heard = Boolean(own);
    this.root.dataset.sound = own ? detail.video : "";
    this.root.classList.toggle("f2-silent", !own && !detail.n);
  }

  newOutline() {
    const detail = this.model.get("detail");
    const outline = this.model.get("outline");
    if (outline.video !== detail.video) return;
    this.outlineOf(outline, detail);
    const { timeline } = this;
    const all = timeline.view[1] === timeline.whole[1] && timeline.view[0] === timeline.whole[0];
    timeline.whole = [0, Math.max(timeline.whole[1], outline.seconds)];
    if (all) timeline.view = [...timeline.whole];
    timeline.draw();
  }

  tell() {
    const { model } = this;
    const i = model.get("table").name?.indexOf(model.get("video")) ?? -1;
    const error = i < 0 ? "" : model.get("table").error[i];
    const empty = i < 0 ? "This run has no videos yet: refresh when it has begun." : this.n ? "" : model.get("table").faces[i] ? "" : "There are no faces to see in this video.";
    const alone = this.root.dataset.alone ? "Python does not answer: it is busy, or this page has none behind it, as in the documentation." : "";
    this.message.textContent = [alone, error, empty, model.get("message")].filter((text, k, all) => text && all.indexOf(text) === k).join(" ");
  }

  toggle() {
    if (this.clock || this.starting) this.stop();
    else this.play();
  }

  async play() {
    if (!this.n) return;
    this.starting = true;
    let from = this.time[this.position];
    if (this.rank(from) === this.order.length - 1) this.show(this.order[0]);
    from = this.time[this.position];
    this.playing.textContent = "❚❚";
    this.root.dataset.playing = "true";
    let follow = this.heard ? await this.player.play(from) : null;
    if (!this.starting) return;
    if (!follow) {
      const begin = performance.now();
      follow = () => from + (performance.now() - begin) / 1000;
    }
    this.starting = false;
    const me = (this.clock = () => {
      if (this.clock !== me) return;
      const k = this.rank(Math.max(from, follow()));
      if (this.order[k] !== this.position) this.show(this.order[k]);
      if (k === this.order.length - 1) return this.stop();
      requestAnimationFrame(me);
    });
    requestAnimationFrame(me);
  }

  stop() {
    this.starting = false;
    this.clock = null;
    this.player.stop();
    this.playing.textContent = "▶";
    this.root.dataset.playing = "";
  }

  hear() {
    if (!this.heard || !this.n) return;
    this.stop();
    this.player.window(this.time[this.position]);
  }

  zoom(by) {
    this.timeline.zoom(by, this.n ? this.time[this.position] : 0);
  }

  setScope(scope) {
    this.scope = scope;
    for (const button of this.scopes) button.setAttribute("aria-pressed", String(button.dataset.scope === scope));
    this.drawVerdicts();
  }

  about(scope) {
    const i = this.position;
    return this.model.get("reviews").find((r) => r.video === this.model.get("video") && r.track === (scope === "video" ? null : this.track?.[i]) && r.frame === (scope === "face" ? this.frames?.[i] : null));
  }

  drawVerdicts() {
    if (!this.verdicts) return;
    const found = ["video", "track", "face"].map((scope) => [scope, scope === "video" || this.n ? this.about(scope) : null]);
    this.verdicts.replaceChildren(
      ...found
        .filter(([, r]) => r)
        .map(([scope, r]) => make("span", { class: "f2-verdict", data: { decision: r.decision }, title: `${r.by}, ${r.at}` }, `${scope} ${MARKS[r.decision]} ${r.note}`.trim())),
    );
    const own = found.find(([scope]) => scope === this.scope)[1];
    this.accept.setAttribute("aria-pressed", String(own?.decision === "accept"));
    this.reject.setAttribute("aria-pressed", String(own?.decision === "reject"));
    this.undo.disabled = !own;
    if (document.activeElement !== this.note) this.note.value = own?.note ?? "";
  }

  decide(decision, undo = false) {
    if (!this.model.get("video")) return;
    const own = this.about(this.scope);
    const note = undo ? "" : this.note.value;
    // a note alone leaves what was decided before
    const send = decision === "none" && !undo ? (own?.decision ?? "none") : decision;
    this.send({ do: "decide", decision: send, scope: this.scope, note, video: this.model.get("video"), position: Math.max(0, this.position) });
    this.note.blur();
    this.root.focus({ preventScroll: true });
  }

  key(event) {
    const typing = event.target.matches("input[type=text], input[type=search], input[type=number], select");
    if (typing) {
      if (event.key === "Escape") this.root.focus({ preventScroll: true });
      return event.stopPropagation();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.target.matches("button")) return;
    const ten = event.shiftKey ? 10 : 1;
    const actions = {
      ArrowLeft: () => this.step(-ten),
      ArrowRight: () => this.step(ten),
      Home: () => this.n && (this.stop(), this.show(this.order[0])),
      End: () => this.n && (this.stop(), this.show(this.order.at(-1))),
      PageUp: () => this.list.step(-1),
      PageDown: () => this.list.step(1),
      " ": () => this.toggle(),
      w: () => this.hear(),
      a: () => this.decide("accept"),
      r: () => this.decide("reject"),
      u: () => this.about(this.scope) && this.decide("none", true),
      n: () => this.note.focus(),
      "+": () => this.zoom(0.5),
      "-": () => this.zoom(2),
      0: () => this.timeline.fit(),
      "?": () => this.help.showModal(),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
