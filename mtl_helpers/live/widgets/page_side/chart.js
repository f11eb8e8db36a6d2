// Panels of curves over the steps of a run. The kernel sends numbers and no pictures; uPlot draws them.

const WIDE = 560, GUTTER = 84, LINE = 14; // pixels: for two panels in a row; for names at the ends of lines; from name to name
const ROWS = 10; // of the table of a panel's numbers
const LINGER = 6000; // ms: how long a hung copy stays when the cell is done
const states = new Map();

function stateOf(model) {
  const id = model.get("name");
  if (!states.has(id)) states.set(id, { run: -1, tables: {}, marks: [], ghosts: [], views: new Set() });
  return states.get(id);
}

function receive(model, message) {
  const state = stateOf(model);
  if (message.whole) Object.assign(state, { run: message.run, tables: {} });
  let complete = message.run === state.run;
  for (const [panel, rows] of Object.entries(complete ? message.tables : {})) {
    const table = (state.tables[panel] ??= { x: [], columns: {} });
    complete &&= append(table, rows);
  }
  if (message.marks) state.marks = message.marks;
  if (message.ghosts) state.ghosts = message.ghosts;
  if (!complete) model.send({ want: "all" });
  for (const view of state.views) view.soon();
}

// The teacher's mode: for all labs of the page, and for the next time, until it is pressed again.
function bigSwitch() {
  const root = document.documentElement, button = document.createElement("button");
  Object.assign(button, { className: "mtl-big-switch", textContent: "Aa", title: "Big type and thick lines, for a projector" });
  button.setAttribute("aria-label", "big type and thick lines, for a projector");
  try { if (localStorage.getItem("mtl-big") === "yes") root.classList.add("mtl-big"); } catch { /* a page may not be allowed to */ }
  button.onclick = () => {
    const on = root.classList.toggle("mtl-big");
    try { localStorage.setItem("mtl-big", on ? "yes" : "no"); } catch { /* it lasts for this page, then */ }
  };
  return button;
}

class Panel {
  constructor(view, spec) {
    Object.assign(this, { view, spec });
    this.el = document.createElement("div");
    this.el.className = "mtl-panel";
    this.el.setAttribute("role", "img");
    this.el.setAttribute("aria-label", spec.title);
  }

  get table() { return this.view.state.tables[this.spec.key] || { x: [], columns: {} }; }

  get data() {
    const { x, columns } = this.table;
    return [x, ...this.spec.series.map(s => columns[s.key] || x.map(() => null))];
  }

  last(key) {
    const column = this.table.columns[key] || [];
    for (let i = column.length - 1; i >= 0; i--) if (column[i] !== null) return [this.table.x[i], column[i]];
    return null;
  }

  ghosts() {
    return this.view.state.ghosts.map(ghost => ghost.tables[this.spec.key]).filter(Boolean);
  }

  // The highest and the lowest value of the columns on a scale, kept kinds of runs included.
  reach(scale) {
    let [low, high] = [Infinity, -Infinity];
    for (const { columns } of [this.table, ...this.ghosts()])
      for (const { key, scale: own } of this.spec.series)
        if ((own || "y") === scale) for (const v of columns[key] || []) if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); }
    return [low, high];
  }

  range(name) {
    const { min = null, max = null, at_least: least = null, at_most: most = null, symlog } = this.spec.scales[name];
    const [low, high] = this.reach(name), room = symlog ? 1.25 : 1.05;
    const top = max ?? Math.max(least ?? 0, high > 0 ? high * room : 0);
    const bottom = min ?? Math.min(most ?? 0, low < 0 ? low * room : 0);
    return [bottom, top > bottom ? top : bottom + 1];
  }

  build(width) {
    const { spec, view } = this, { ink, dark, big } = view.look, tall = big * (spec.tall ? 230 : 150);
    this.plot?.destroy();
    const faint = ink.replace("rgb", "rgba").replace(")", ",0.12)"), font = `${12 * big}px system-ui, sans-serif`;
    const axis = { stroke: ink, grid: { stroke: faint, width: 1 }, ticks: { stroke: faint, size: 4 }, font, labelFont: font };
    const scales = { x: { time: false, range: () => [0, Math.max(view.longest(), 20)] } };
    const axes = [{ ...axis, size: big * (spec.xlabel ? 36 : 24), label: spec.xlabel, labelSize: 16 * big, space: 60 * big, incrs: [1, 2, 5, 10, 20, 50, 100, 200,
      500, 1000, 2000, 5000, 10000, 20000, 50000, 100000] }];
    for (const [name, scale] of Object.entries(spec.scales)) {
      scales[name] = { range: () => this.range(name), ...(scale.symlog ? { distr: 4, asinh: scale.symlog } : {}) };
      const side = axes.length > 1 ? 1 : 3;
      const own = { ...axis, scale: name, side, size: 46 * big, label: scale.label, labelSize: 16 * big, grid: { ...axis.grid, show: side === 3 } };
      if (scale.symlog) Object.assign(own, { filter: (u, splits) => splits, splits: (u, i, low, high) => this.splits(u, name, low, high), values: (u, v) => v.map(x => (x === null || x === undefined ? "" : short(x))) });
      else own.values = (u, v) => v.map(x => (x === null || x === undefined ? "" : short(x)));
      axes.push(own);
    }
    const series = spec.series.map(s => ({
      label: s.label, scale: s.scale || "y", stroke: suits(s.colour, dark), width: big * (s.faint ? 0.7 : 2), dash: s.dash?.map(d => d * big), alpha: s.faint ? 0.4 : 1,
      paths: s.step ? uPlot.paths.stepped({ align: 1 }) : undefined, points: { show: false }, spanGaps: false,
    }));
    const cursor = { sync: { key: view.sync, scales: ["x", null] }, y: false, points: { size: 7 * big }, drag: { x: false, y: false } };
    const hooks = { drawClear: [() => this.before()], draw: [() => this.after()], setCursor: [u => this.hover(u)] };
    const options = { width, height: tall, scales, axes, series: [{}, ...series], cursor, hooks, legend: { show: false },
      padding: [10, this.spec.scales.unit && spec.scales.y ? 8 : GUTTER * big, 0, 0] };
    this.el.replaceChildren();
    const title = document.createElement("div");
    title.className = "mtl-panel-title";
    title.textContent = spec.title;
    this.tip = document.createElement("span");
    this.tip.className = "mtl-panel-tip";
    title.append(this.tip);
    this.el.append(title);
    this.plot = new uPlot(options, this.data, this.el);
  }

  show() { this.plot?.setData(this.data); }

  // At most ROWS of its steps, evenly spread, the last one included.
  numbers() {
    const { x, columns } = this.table, named = this.spec.series.filter(s => s.label), every = Math.max(1, Math.ceil(x.length / ROWS));
    const rows = x.map((step, i) => [step, ...named.map(s => columns[s.key]?.[i])]).filter((row, i) => (x.length - 1 - i) % every === 0);
    return { title: this.spec.title, heads: ["step", ...named.map(s => s.label)], rows };
  }

  // Ticks of λ: the values in use first, then powers of ten where there is room.
  splits(u, name, low, high) {
    const used = this.spec.series.filter(s => s.ticks && (s.scale || "y") === name).map(s => this.last(s.key)).filter(Boolean).map(([, v]) => +v.toPrecision(3));
    const kept = [];
    for (const v of [...new Set(used), 0, 1, 0.1, 10, 0.01, 3, 0.3, 100, -1, -0.1, -10, 1000, -100]) {
      if (v < low || v > high) continue;
      if (kept.every(other => Math.abs(u.valToPos(v, name) - u.valToPos(other, name)) > LINE * this.view.look.big)) kept.push(v);
    }
    return kept.sort((a, b) => a - b);
  }

  // Beneath the curves: kept runs, pale, and thin lines where something was handed over.
  before() {
    const u = this.plot;
    if (!u) return;
    const { ctx, bbox } = u, { ink, dark, big } = this.view.look, k = devicePixelRatio * big;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.globalAlpha = 0.4;
    for (const ghost of this.ghosts()) for (const s of this.spec.series) {
      const column = ghost.columns[s.key];
      if (!column || s.faint) continue;
      ctx.strokeStyle = suits(s.colour, dark);
      ctx.lineWidth = 1.2 * k;
      ctx.setLineDash((s.dash || []).map(d => d * k));
      ctx.beginPath();
      let pen = false, before = null;
      const stride = Math.max(1, Math.floor(column.length / 800));
      for (let i = 0; i < column.length; i += stride) {
        if (column[i] === null) { pen = false; continue; }
        const x = u.valToPos(ghost.x[i], "x", true), y = u.valToPos(column[i], s.scale || "y", true);
        if (pen && s.step) ctx.lineTo(x, before);
        pen ? ctx.lineTo(x, y) : ctx.moveTo(x, y);
        [pen, before] = [true, y];
      }
      ctx.stroke();
    }
    ctx.setLineDash([]);
    ctx.strokeStyle = ink;
    ctx.lineWidth = k;
    for (const [step] of this.view.state.marks) {
      const x = Math.round(u.valToPos(step, "x", true));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  // Above the curves: markers, and each line's name at its end, apart from one another.
  after() {
    const u = this.plot;
    if (!u) return;
    const { ctx, bbox } = u, { ink, dark, big } = this.view.look, k = devicePixelRatio * big, ends = [];
    ctx.save();
    for (const s of this.spec.series) {
      const scale = s.scale || "y", column = this.table.columns[s.key] || [], colour = suits(s.colour, dark);
      if (s.marker) {
        ctx.fillStyle = colour;
        const stride = Math.max(1, Math.ceil(column.length / 60));
        for (let i = (column.length - 1) % stride; i < column.length; i += stride) {
          if (column[i] === null) continue;
          marker(ctx, s.marker, u.valToPos(this.table.x[i], "x", true), u.valToPos(column[i], scale, true), 3.2 * k);
          ctx.fill();
        }
      }
      const end = s.label && this.last(s.key);
      if (end) ends.push({ name: s.label, colour: worded(s.colour, dark), y: u.valToPos(end[1], scale, true) });
    }
    ends.sort((a, b) => a.y - b.y);
    const gap = LINE * k, room = bbox.height - gap * (ends.length - 1);
    ends.forEach((end, i) => { end.at = Math.max(end.y, i ? ends[i - 1].at + gap : bbox.top); });
    for (let i = ends.length - 1, limit = bbox.top + bbox.height; i >= 0 && room > 0; i--, limit -= gap) ends[i].at = Math.min(ends[i].at, limit);
    ctx.font = `${12 * k}px system-ui, sans-serif`;
    Object.assign(ctx, { textBaseline: "middle", textAlign: "left" });
    for (const { name, colour, at } of ends) {
      ctx.fillStyle = colour;
      ctx.fillText(clipped(ctx, name, GUTTER * k - 10 * k), bbox.left + bbox.width + 5 * k, at);
    }
    if (this.spec.names_marks) this.nameMarks(u, ctx, k, ink);
    if (!this.table.x.length && this.spec.empty) {
      Object.assign(ctx, { fillStyle: ink, textAlign: "center", globalAlpha: 0.7 });
      ctx.fillText(this.spec.empty, bbox.left + bbox.width / 2, bbox.top + bbox.height / 2);
    }
    ctx.restore();
  }

  nameMarks(u, ctx, k, ink) {
    const free = [Infinity, Infinity];
    ctx.font = `${11 * k}px system-ui, sans-serif`;
    ctx.fillStyle = ink;
    for (const [step, name] of [...this.view.state.marks].reverse()) {
      const left = u.valToPos(step, "x", true), width = ctx.measureText(name).width + 8 * k;
      const row = free.findIndex(limit => left + width <= limit);
      if (row < 0) continue;
      ctx.fillText(name, left + 3 * k, u.bbox.top + (6 + 12 * row) * k);
      free[row] = left;
    }
  }

  hover(u) {
    const i = u.cursor.idx;
    if (i === null || i === undefined || this.table.x[i] === undefined) { this.tip.textContent = ""; return; }
    const parts = this.spec.series.filter(s => s.label).map(s => [s, (this.table.columns[s.key] || [])[i]]).filter(([, v]) => v !== null && v !== undefined);
    this.tip.replaceChildren(`step ${this.table.x[i]}`, ...parts.map(([s, v]) => {
      const part = document.createElement("b");
      part.style.color = worded(s.colour, this.view.look.dark);
      part.textContent = `${s.label} ${short(v)}`;
      return part;
    }));
  }
}

function clipped(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  while (text && ctx.measureText(text + "…").width > width) text = text.slice(0, -1);
  return text + "…";
}

class View {
  constructor(model, el, most = Infinity) {
    Object.assign(this, { model, el, most, state: stateOf(model), sync: model.get("name"), due: false });
    el.classList.add("mtl-chart");
    el.chart = this; // for tests: what is drawn, read back from the page
    this.open();
  }

  open() {
    this.panels = this.model.get("panels").slice(0, this.most).map(spec => new Panel(this, spec));
    this.el.replaceChildren(...this.panels.map(panel => panel.el));
    if (this.most === Infinity) this.el.prepend(this.switch = bigSwitch());
    if (this.most === Infinity) this.fold = numbersOf(this.el, () => this.panels.map(panel => panel.numbers()));
    this.build();
  }

  longest() {
    let steps = 0;
    for (const { tables } of [this.state, ...this.state.ghosts]) for (const { x } of Object.values(tables)) steps = Math.max(steps, x.at(-1) || 0);
    return steps;
  }

  build() {
    const width = this.el.clientWidth;
    if (!width) return;
    this.look = inkOf(this.el);
    this.switch?.setAttribute("aria-pressed", String(this.look.big > 1));
    const columns = width >= WIDE && this.panels.length > 1 ? 2 : 1;
    this.el.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    for (const panel of this.panels) panel.build(Math.floor((width - 12 * (columns - 1)) / columns));
  }

  soon() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => { this.due = false; for (const panel of this.panels) panel.show(); this.fold?.news(); });
  }
}

const inSight = el => {
  const { top, bottom, width } = el.getBoundingClientRect();
  return width > 0 && bottom > 60 && top < innerHeight - 60;
};

// A cell may drive a lab that is off the screen, or that JupyterLab does not even keep on the page: then a copy hangs in the
// corner, as of a film that plays on while one reads, until the cell is done and was looked at.
function hang(model) {
  const state = stateOf(model);
  if (!model.get("driven") || state.hung || [...state.views].some(view => inSight(view.el))) return;
  const box = state.hung = document.createElement("div"), el = document.createElement("div"), away = document.createElement("button");
  box.className = "mtl-hung";
  away.textContent = "×";
  away.setAttribute("aria-label", "close the copy of the curves");
  box.append(away, el);
  document.body.append(box);
  const view = new View(model, el, 2);
  state.views.add(view);
  let after;
  const take = () => {
    clearTimeout(after);
    clearInterval(looking);
    model.off("change:driven", wait);
    state.views.delete(view);
    for (const panel of view.panels) panel.plot?.destroy();
    box.remove();
    state.hung = null;
  };
  const wait = () => { clearTimeout(after); if (!model.get("driven")) after = setTimeout(take, LINGER); };
  const looking = setInterval(() => { if ([...state.views].some(other => other !== view && inSight(other.el))) take(); }, 500);
  away.onclick = take;
  model.on("change:driven", wait);
  wait();
}

export default {
  initialize({ model }) {
    model.on("msg:custom", message => receive(model, message));
    model.on("change:driven", () => hang(model));
    model.send({ want: "all" });
  },
  render({ model, el }) {
    const view = new View(model, el), reopened = () => view.open();
    view.state.views.add(view);
    const end = whenChanged(el, () => view.build());
    model.on("change:panels", reopened);
    return () => { end(); model.off("change:panels", reopened); view.state.views.delete(view); for (const panel of view.panels) panel.plot?.destroy(); };
  },
};
