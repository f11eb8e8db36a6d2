// What the encoder makes of the validation examples: points, with their text or picture under the mouse, and a slider of time.

const WIDE_POINTS = 620, SIDE = 210, EDGE = 14; // pixels
const clouds = new Map();
const MID = ["#0072b2", "#c98500"]; // the ends of a colour scale

function cloudOf(model) {
  const id = model.get("name");
  if (!clouds.has(id)) clouds.set(id, { about: {}, pictures: [], views: new Set() });
  return clouds.get(id);
}

function mixed([a, b], part) {
  const rgb = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16)), [from, to] = [rgb(a), rgb(b)];
  return `rgb(${from.map((v, i) => Math.round(v + part * (to[i] - v))).join()})`;
}

function made(tag, className, parent, text = "") {
  const el = document.createElement(tag);
  Object.assign(el, { className, textContent: text });
  parent?.append(el);
  return el;
}

class Cloud {
  constructor(model, el) {
    Object.assign(this, { el, state: cloudOf(model), at: null, due: false, over: null });
    el.classList.add("mtl-points");
    el.points = this; // for tests: what is drawn, read back from the page
    const plot = made("div", "mtl-points-plot", el);
    made("div", "mtl-panel-title", plot, "what the encoder sees: a point for each validation example");
    this.canvas = made("canvas", "", plot);
    this.canvas.setAttribute("role", "img");
    const time = made("label", "mtl-points-time", plot);
    this.time = made("input", "", time);
    Object.assign(this.time, { type: "range", min: 0, max: 0, step: 1 });
    this.time.setAttribute("aria-label", "step of the picture");
    this.when = made("span", "", time);
    this.key = made("div", "mtl-points-key", el);
    this.axes = made("select", "mtl-points-axes", null);
    this.axes.setAttribute("aria-label", "plane of the picture");
    plot.insertBefore(this.axes, this.canvas);
    this.axes.addEventListener("change", () => this.draw());
    this.tip = made("div", "mtl-points-tip", el, "Point at one to read it.");
    this.time.addEventListener("input", () => { const last = this.state.pictures.length - 1; this.at = +this.time.value >= last ? null : +this.time.value; this.draw(); });
    this.fold = numbersOf(el, () => [this.numbers()]);
    this.canvas.addEventListener("mousemove", event => this.hover(event));
    this.draw();
  }

  // The picture that is shown: {step, said, x, y}.
  get picture() {
    const picture = this.state.pictures[this.at ?? this.state.pictures.length - 1];
    if (!picture) return undefined;
    const [x, y] = picture.planes[this.axes.value] || Object.values(picture.planes)[0];
    return { ...picture, x, y };
  }

  // The middle of each class of the first task that has classes.
  numbers() {
    const picture = this.picture, task = (this.state.about.tasks || []).find(t => t.classes.length), heads = ["class", "points", "middle, across", "middle, up"];
    if (!picture || !task) return { title: "", heads, rows: [] };
    const rows = task.classes.map((name, k) => {
      const of = task.values.flatMap((v, i) => (v === k ? [i] : [])), middle = v => of.reduce((sum, i) => sum + v[i], 0) / of.length;
      return [name, of.length, ...(of.length ? [middle(picture.x), middle(picture.y)] : [null, null])];
    });
    return { title: `${task.name} at step ${picture.step}`, heads, rows };
  }

  soon() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => { this.due = false; this.draw(); });
  }

  // [colour, marker] of an example.
  look(i, dark) {
    const [first, second] = this.state.about.tasks || [], value = first?.values[i], shape = second?.values[i];
    let colour = dark ? "#ddd" : "#555";
    if (value !== null && value !== undefined) colour = first.classes.length ? suits(first.colours[value % first.colours.length], dark) : mixed(MID, this.part(first, value));
    return [colour, second?.classes.length && shape !== null ? second.markers[shape % second.markers.length] : "o"];
  }

  part({ values }, value) {
    const known = values.filter(v => v !== null), [low, high] = [Math.min(...known), Math.max(...known)];
    return high > low ? (value - low) / (high - low) : 0.5;
  }

  draw() {
    const width = this.el.clientWidth, { pictures } = this.state, { ink, dark } = inkOf(this.el), k = devicePixelRatio;
    if (!width) return;
    if (this.at !== null && this.at >= pictures.length) this.at = null;
    const wide = width >= WIDE_POINTS, w = wide ? width - SIDE - 12 : width, h = Math.round(Math.min(400, Math.max(240, w * 0.62)));
    this.el.style.gridTemplateColumns = wide ? `minmax(0, 1fr) ${SIDE}px` : "minmax(0, 1fr)";
    Object.assign(this.canvas, { width: w * k, height: h * k });
    Object.assign(this.canvas.style, { width: `${w}px`, height: `${h}px` });
    this.time.max = Math.max(0, pictures.length - 1);
    this.time.value = this.at ?? this.time.max;
    this.time.disabled = pictures.length < 2;
    const names = Object.keys(pictures[0]?.planes || {});
    if (names.join() !== [...this.axes.options].map(o => o.value).join()) this.axes.replaceChildren(...names.map(name => new Option(name, name)));
    this.axes.style.visibility = names.length > 1 ? "visible" : "hidden";
    const picture = this.picture, ctx = this.canvas.getContext("2d");
    this.when.textContent = picture ? `step ${picture.step}` : "";
    this.canvas.setAttribute("aria-label", picture ? `${picture.x.length} points at step ${picture.step}` : "no picture yet");
    this.drawKey(dark);
    this.fold?.news();
    this.places = [];
    ctx.scale(k, k);
    if (!picture) {
      Object.assign(ctx, { fillStyle: ink, textAlign: "center", font: "13px system-ui, sans-serif" });
      ctx.fillText("Train: the first picture comes with the next validation.", w / 2, h / 2);
      return;
    }
    // One scale for both directions: distances are what is seen.
    const span = v => [Math.min(...v), Math.max(...v)], [[x0, x1], [y0, y1]] = [span(picture.x), span(picture.y)];
    const scale = Math.min((w - 2 * EDGE) / (x1 - x0 || 1), (h - 2 * EDGE) / (y1 - y0 || 1));
    ctx.lineWidth = 0.8;
    picture.x.forEach((x, i) => {
      const px = w / 2 + (x - (x0 + x1) / 2) * scale, py = h / 2 - (picture.y[i] - (y0 + y1) / 2) * scale, [colour, shape] = this.look(i, dark);
      this.places.push([px, py]);
      marker(ctx, shape, px, py, i === this.over ? 8 : 4.5);
      Object.assign(ctx, { fillStyle: colour, strokeStyle: dark ? "#111" : "#fff", globalAlpha: 0.9 });
      ctx.fill();
      ctx.stroke();
    });
  }

  drawKey(dark) {
    const tasks = this.state.about.tasks || [], text = JSON.stringify([tasks.map(t => [t.name, t.classes]), dark]);
    if (text === this.drawn) return;
    this.drawn = text;
    this.key.replaceChildren();
    tasks.forEach((task, which) => {
      made("b", "", this.key, `${which ? "shape" : "colour"}: ${task.name}`);
      if (!task.classes.length) { made("span", "mtl-points-scale", this.key, which ? "" : "low … high").style.setProperty("--mtl-scale", `linear-gradient(to right, ${MID})`); return; }
      task.classes.forEach((label, i) => {
        const line = made("span", "mtl-points-class", this.key), dot = made("canvas", "", line), ctx = dot.getContext("2d"), k = devicePixelRatio;
        Object.assign(dot, { width: 14 * k, height: 14 * k });
        Object.assign(dot.style, { width: "14px", height: "14px" });
        marker(ctx, which ? task.markers[i % task.markers.length] : "o", 7 * k, 7 * k, 4.5 * k);
        ctx.fillStyle = which ? inkOf(this.el).ink : suits(task.colours[i % task.colours.length], dark);
        ctx.fill();
        line.append(label);
      });
    });
  }

  hover(event) {
    const box = this.canvas.getBoundingClientRect(), [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [best, over] = [12 ** 2, null];
    (this.places || []).forEach(([px, py], i) => { const d = (px - x) ** 2 + (py - y) ** 2; if (d < best) [best, over] = [d, i]; });
    if (over === this.over) return;
    this.over = over;
    this.draw();
    if (over === null) return;
    const { about } = this.state, shown = about.examples[over];
    this.tip.replaceChildren();
    if (shown.startsWith("data:")) made("img", "", this.tip).src = shown;
    else made("p", "", this.tip, shown);
    for (const task of about.tasks) {
      const value = task.values[over], label = value === null ? "no label" : task.classes.length ? task.classes[value] : short(value);
      made("div", "", this.tip, `${task.name}: ${label}; the head says ${this.picture.said[task.name]?.[over] ?? "–"}`);
    }
  }
}

export default {
  initialize({ model }) {
    const state = cloudOf(model);
    model.on("msg:custom", message => {
      if (message.about) Object.assign(state, { about: message.about, pictures: message.pictures });
      else if (message.number === state.pictures.length + 1) state.pictures.push(message.picture);
      else model.send({ want: "all" });
      for (const view of state.views) view.soon();
    });
    model.send({ want: "all" });
  },
  render({ model, el }) {
    const view = new Cloud(model, el), end = whenChanged(el, () => view.draw());
    view.state.views.add(view);
    return () => { end(); view.state.views.delete(view); };
  },
};
