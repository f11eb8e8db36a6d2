// Two losses over two parameters: paths over their lines, and the same paths in the space of the two losses. The start is dragged.

const TWO_PANELS = 520, PAD = { left: 40, right: 12, top: 8, bottom: 38 }; // pixels

function element(tag, className, parent, text = "") {
  const el = document.createElement(tag);
  Object.assign(el, { className, textContent: text });
  parent?.append(el);
  return el;
}

// A canvas with axes; x() and y() lead from numbers to pixels, at() leads back.
class Plane {
  constructor(parent, title, labels, [xs, ys]) {
    Object.assign(this, { labels, xs, ys });
    this.box = element("div", "mtl-panel", parent);
    this.title = element("div", "mtl-panel-title", this.box, title.split(",")[0]);
    this.canvas = element("canvas", "", this.box);
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", title);
  }

  x = v => PAD.left + ((v - this.xs[0]) / (this.xs[1] - this.xs[0])) * this.wide;
  y = v => PAD.top + ((this.ys[1] - v) / (this.ys[1] - this.ys[0])) * this.tall;
  at(px, py) {
    const clip = (v, [low, high]) => Math.min(high, Math.max(low, v));
    const [x, y] = [(px - PAD.left) / this.wide, (py - PAD.top) / this.tall];
    return [clip(this.xs[0] + x * (this.xs[1] - this.xs[0]), this.xs), clip(this.ys[1] - y * (this.ys[1] - this.ys[0]), this.ys)].map(v => +v.toFixed(3));
  }

  // An empty canvas of this size with its axes; what is drawn from now on stays within them until done().
  begin(width, height, ink) {
    const k = devicePixelRatio, ctx = (this.ctx = this.canvas.getContext("2d"));
    Object.assign(this, { wide: width - PAD.left - PAD.right, tall: height - PAD.top - PAD.bottom });
    Object.assign(this.canvas, { width: Math.round(width * k), height: Math.round(height * k) });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    ctx.scale(k, k);
    Object.assign(ctx, { fillStyle: ink, strokeStyle: ink, font: "12px system-ui, sans-serif", globalAlpha: 0.85 });
    Object.assign(ctx, { textAlign: "center", textBaseline: "top" });
    for (let v = Math.ceil(this.xs[0]); v <= this.xs[1]; v++) ctx.fillText(String(v).replace("-", "−"), this.x(v), height - PAD.bottom + 4);
    ctx.fillText(this.labels[0], PAD.left + this.wide / 2, height - 17);
    Object.assign(ctx, { textAlign: "right", textBaseline: "middle" });
    for (let v = Math.ceil(this.ys[0]); v <= this.ys[1]; v++) ctx.fillText(String(v).replace("-", "−"), PAD.left - 5, this.y(v));
    ctx.save();
    ctx.translate(10, PAD.top + this.tall / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText(this.labels[1], 0, 0);
    ctx.restore();
    ctx.globalAlpha = 0.3;
    ctx.strokeRect(PAD.left, PAD.top, this.wide, this.tall);
    ctx.globalAlpha = 1;
    ctx.save();
    ctx.beginPath();
    ctx.rect(PAD.left, PAD.top, this.wide, this.tall);
    ctx.clip();
  }

  done() { this.ctx.restore(); }

  line(xs, ys, colour, width, dash = [], alpha = 1) {
    const { ctx } = this;
    Object.assign(ctx, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha, lineJoin: "round" });
    ctx.setLineDash(dash);
    ctx.beginPath();
    for (let i = 0; i < xs.length; i++) ctx.lineTo(this.x(xs[i]), this.y(ys[i]));
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
  }

  end(shape, x, y, colour, paper) {
    marker(this.ctx, shape, this.x(x), this.y(y), 7);
    Object.assign(this.ctx, { fillStyle: colour, strokeStyle: paper, lineWidth: 1.5 });
    this.ctx.fill();
    this.ctx.stroke();
  }

  word(text, x, y, ink, align = "center") {
    Object.assign(this.ctx, { fillStyle: ink, textAlign: align, textBaseline: "middle", font: "600 12px system-ui, sans-serif" });
    this.ctx.fillText(text, x, y);
  }
}

class Landscape {
  constructor(model, el) {
    Object.assign(this, { model, el, held: false, due: false, drawn: 0, scene: model.get("scene"), start: [...model.get("value")] });
    el.classList.add("mtl-landscape");
    el.landscape = this; // for tests: what is drawn, read back from the page
    const { view, loss_view: losses, tasks } = this.scene, [steep, gentle] = tasks;
    this.planes = element("div", "mtl-landscape-planes", el);
    this.plane = new Plane(this.planes, "parameters, and lines of equal loss", ["θ₁", "θ₂"], view);
    this.space = new Plane(this.planes, "losses", [`loss of ${steep.name}`, `loss of ${gentle.name}`], losses);
    this.lines = tasks.map(task => element("span", "mtl-panel-tip", this.plane.title, `— ${task.name}`));
    element("span", "mtl-panel-tip", this.space.title, "lower left is better");
    this.key = element("div", "mtl-landscape-key", el);
    this.rows = new Map(this.scene.styles.map(style => [style.name, this.keyRow(style)]));
    this.fold = numbersOf(el, () => [this.numbers()]);
    this.listen();
  }

  // Where each path ends.
  numbers() {
    const rows = Object.entries(this.paths).map(([name, p]) => [name, ...[p.x, p.y, p.steep, p.gentle].map(v => v.at(-1)), +p.off.toFixed(3)]);
    return { title: `paths from ${this.start.map(short).join(", ")}: their ends`, heads: ["method", "θ₁", "θ₂", ...this.scene.tasks.map(t => `loss of ${t.name}`), "from the Pareto set"], rows };
  }

  get paths() { return this.model.get("paths"); }

  keyRow(style) {
    const line = element("label", "", this.key), box = element("input", "", line), sample = element("canvas", "", line);
    box.type = "checkbox";
    element("span", "", line, style.name);
    const off = element("b", "", line);
    box.addEventListener("change", () => {
      const chosen = this.model.get("methods"), names = this.scene.styles.map(s => s.name);
      this.model.set("methods", names.filter(name => (name === style.name ? box.checked : chosen.includes(name))));
      this.model.save_changes();
    });
    return { line, box, sample, off };
  }

  listen() {
    const { canvas } = this.plane;
    Object.assign(canvas, { tabIndex: 0, title: "Drag the start, or move it with the arrow keys" });
    canvas.setAttribute("role", "application");
    const move = event => {
      const { left, top } = canvas.getBoundingClientRect();
      this.moveTo(this.plane.at(event.clientX - left, event.clientY - top));
    };
    canvas.addEventListener("pointerdown", event => { if (event.button) return; this.held = true; canvas.setPointerCapture(event.pointerId); move(event); });
    canvas.addEventListener("pointermove", event => { if (this.held) move(event); });
    for (const ends of ["pointerup", "pointercancel"]) canvas.addEventListener(ends, () => { if (this.held) { this.held = false; this.choose(); } });
    canvas.addEventListener("keydown", event => {
      const by = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      const clip = (v, [low, high]) => +Math.min(high, Math.max(low, v)).toFixed(3);
      this.moveTo([clip(this.start[0] + by[0], this.plane.xs), clip(this.start[1] + by[1], this.plane.ys)]);
    });
  }

  // While the start is held the kernel gets a message a frame: a value would wait until the one before it was answered.
  moveTo(start) {
    this.start = start;
    this.untold = this.held;
    if (!this.held) this.choose();
    this.soon();
  }

  choose() {
    this.untold = false;
    this.model.set("value", this.start);
    this.model.save_changes();
  }

  soon() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      if (this.untold) this.model.send({ start: this.start });
      this.untold = false;
      this.draw();
    });
  }

  draw() {
    const width = this.planes.clientWidth;
    if (!width) return;
    if (!this.held) this.start = [...this.model.get("value")];
    const { ink, dark } = inkOf(this.el), paper = dark ? "#111" : "#fff", { scene, plane, space, paths } = this;
    const two = width >= TWO_PANELS, each = Math.floor(two ? (width - 12) / 2 : width);
    const [[x0, x1], [y0, y1]] = scene.view, high = Math.round(((each - PAD.left - PAD.right) * (y1 - y0)) / (x1 - x0)) + PAD.top + PAD.bottom;
    this.planes.style.gridTemplateColumns = `repeat(${two ? 2 : 1}, minmax(0, 1fr))`;
    plane.begin(each, high, ink);
    space.begin(each, high, ink);
    const [cx, cy, r] = scene.disc, { ctx } = plane;
    Object.assign(ctx, { fillStyle: ink, globalAlpha: 0.12 });
    ctx.beginPath();
    ctx.arc(plane.x(cx), plane.y(cy), plane.x(cx + r) - plane.x(cx), 0, 2 * Math.PI);
    ctx.fill();
    ctx.globalAlpha = 1;
    scene.tasks.forEach((task, i) => {
      this.lines[i].style.color = worded(task.colour, dark);
      for (const line of task.lines) plane.line(line.map(p => p[0]), line.map(p => p[1]), suits(task.colour, dark), 1, [], 0.5);
    });
    plane.line(scene.set.map(p => p[0]), scene.set.map(p => p[1]), ink, 6, [], 0.8);
    space.line(scene.front.map(p => p[0]), scene.front.map(p => p[1]), ink, 6, [], 0.8);
    const shown = scene.styles.filter(style => paths[style.name]).reverse(); // the one by hand above all others
    for (const style of shown) {
      const path = paths[style.name], colour = suits(style.colour, dark), wide = style === scene.styles[0] ? 4 : 2.2;
      plane.line(path.x, path.y, colour, wide, style.dash);
      space.line(path.steep, path.gentle, colour, wide, style.dash);
    }
    for (const style of shown) {
      const path = paths[style.name], colour = suits(style.colour, dark);
      plane.end(style.marker, path.x.at(-1), path.y.at(-1), colour, paper);
      space.end(style.marker, path.steep.at(-1), path.gentle.at(-1), colour, paper);
    }
    const first = shown.length && paths[shown[0].name];
    if (first) this.ring(space, first.steep[0], first.gentle[0], ink, paper);
    this.ring(plane, ...this.start, ink, paper, "start: drag me");
    plane.word("Pareto set", plane.x(0), plane.y(0) + 20, ink);
    space.word("Pareto front", space.x(scene.front.at(-1)[0]) + 10, space.y(0) + 3, ink, "left");
    plane.done();
    space.done();
    this.drawKey(dark, ink);
    this.drawn += 1;
    this.fold.news();
  }

  ring(plane, x, y, ink, paper, text = "") {
    const { ctx } = plane, [px, py] = [plane.x(x), plane.y(y)];
    ctx.beginPath();
    ctx.arc(px, py, 8, 0, 2 * Math.PI);
    Object.assign(ctx, { fillStyle: paper, strokeStyle: ink, lineWidth: 3 });
    ctx.fill();
    ctx.stroke();
    if (!text) return;
    ctx.font = "600 12px system-ui, sans-serif";
    const left = px + 16 + ctx.measureText(text).width > plane.x(plane.xs[1]);
    plane.word(text, px + (left ? -14 : 14), py - 2, ink, left ? "right" : "left");
  }

  drawKey(dark, ink) {
    const chosen = this.model.get("methods"), k = devicePixelRatio;
    this.scene.styles.forEach((style, i) => {
      const { line, box, sample, off } = this.rows.get(style.name), path = this.paths[style.name], ctx = sample.getContext("2d");
      line.style.display = i || path ? "" : "none";
      box.style.display = i ? "" : "none"; // the path by hand is there when it was run
      box.checked = chosen.includes(style.name);
      off.textContent = !path ? "" : path.off > 0.05 ? `${path.off.toFixed(2)} off the set` : "on the set";
      off.classList.toggle("mtl-off", !!path && path.off > 0.05);
      Object.assign(sample, { width: 46 * k, height: 16 * k });
      ctx.scale(k, k);
      Object.assign(ctx, { strokeStyle: suits(style.colour, dark), fillStyle: suits(style.colour, dark), lineWidth: i ? 2.2 : 4 });
      ctx.setLineDash(style.dash);
      ctx.beginPath();
      ctx.moveTo(0, 8);
      ctx.lineTo(34, 8);
      ctx.stroke();
      ctx.setLineDash([]);
      marker(ctx, style.marker, 38, 8, 5.5);
      ctx.fill();
    });
  }
}

export default {
  render({ model, el }) {
    const view = new Landscape(model, el), soon = () => view.soon(), end = whenChanged(el, () => view.draw());
    const what = "change:value change:methods change:paths";
    model.on(what, soon);
    view.draw();
    return () => { end(); model.off(what, soon); };
  },
};
