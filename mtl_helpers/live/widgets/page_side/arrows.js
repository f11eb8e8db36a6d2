// Two gradients to drag, and what methods make of them, as arrows in the plane.

const NS = "http://www.w3.org/2000/svg", MOST = 480, GLIDE = 350; // pixels; milliseconds
const TURN = 5 * Math.PI / 180, GROW = 10 ** (1 / 20); // of one press of a key

function put(tag, attributes, parent, text) {
  const el = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  if (text !== undefined) el.textContent = text;
  parent.append(el);
  return el;
}

// Where its handle is: at the tip, or where an arrow too short to take is held.
function handleOf([x, y], radius, least) {
  const length = Math.hypot(x, y) || 1e-12, far = Math.max(length, least * radius);
  return [x / length * far, y / length * far];
}

function niceStep(radius) {
  const ten = 10 ** Math.floor(Math.log10(radius));
  return [5, 2, 1, 0.5].map(k => k * ten).find(step => step <= 0.7 * radius);
}

export default {
  render({ model, el }) {
    el.classList.add("mtl-arrows");
    const svg = put("svg", { role: "group" }, el), back = put("g", {}, svg), front = put("g", {}, svg), key = document.createElement("div");
    key.className = "mtl-arrows-key";
    el.append(key);
    const fold = numbersOf(el, () => [{ title: "arrows", heads: ["arrow", "x", "y", "length"],
      rows: Object.entries({ ...model.get("gradients"), ...model.get("tips") }).map(([name, [x, y]]) => [name, x, y, Math.hypot(x, y)]) }]);
    const handles = {};
    let radius = model.get("radius"), held = null, glide = 0, side = 0;
    const at = ([x, y]) => [side / 2 * (1 + x / radius), side / 2 * (1 - y / radius)];
    const say = (task, [x, y], isHeld) => { model.set("value", { task, x, y, held: isHeld }); model.save_changes(); };
    const from = event => {
      const box = svg.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width * 2 - 1) * radius, (1 - (event.clientY - box.top) / box.height * 2) * radius];
    };

    function handle(task) {
      const ring = put("circle", { r: 15, class: "mtl-arrows-handle", tabindex: 0, role: "button" }, svg);
      ring.setAttribute("aria-label", `gradient of ${task}: drag, or turn it by the left and right arrow keys and lengthen it by up and down`);
      const move = event => say(task, from(event), true);
      const drop = event => {
        if (held !== task) return;
        held = null;
        if (event.type === "pointerup") say(task, from(event), false);
        else say(task, handleOf(model.get("gradients")[task], radius, model.get("handle")), false);
      };
      ring.addEventListener("pointerdown", event => {
        if (event.button) return;
        event.preventDefault();
        ring.focus();
        try { ring.setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
        held = task;
      });
      ring.addEventListener("pointermove", event => { if (held === task) event.buttons ? move(event) : drop(event); });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) ring.addEventListener(end, drop);
      ring.addEventListener("keydown", event => {
        const [turn, grow] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [];
        if (turn === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        const [x, y] = model.get("gradients")[task], a = Math.atan2(y, x) + turn * TURN, length = Math.hypot(x, y) * GROW ** grow;
        model.set("value", { task, x: length * Math.cos(a), y: length * Math.sin(a), held: false, key: true });
        model.save_changes();
      });
      return ring;
    }

    function arrow(name, tip, parent, size) {
      const look = model.get("looks")[name], colour = suits(look.colour, inkOf(el).dark), [x0, y0] = at([0, 0]), [x1, y1] = at(tip);
      const far = Math.hypot(x1 - x0, y1 - y0), a = Math.atan2(y1 - y0, x1 - x0), head = Math.min(size, far);
      if (far < 2) { put("circle", { cx: x0, cy: y0, r: 5, fill: "none", stroke: colour, "stroke-width": 2.5 }, parent); return; }
      put("line", { x1: x0, y1: y0, x2: x1 - head * 0.8 * Math.cos(a), y2: y1 - head * 0.8 * Math.sin(a), stroke: colour, "stroke-width": look.width, "stroke-dasharray": look.dash.join(" ") }, parent);
      const corners = [[0, 0], [-head, head * 0.45], [-head, -head * 0.45]].map(([u, v]) => [x1 + u * Math.cos(a) - v * Math.sin(a), y1 + u * Math.sin(a) + v * Math.cos(a)]);
      put("polygon", { points: corners.map(p => p.join()).join(" "), fill: colour, "data-arrow": name }, parent);
    }

    function scale(parent) {
      const step = niceStep(radius), [x0, y0] = at([0, 0]), faint = { stroke: "var(--mtl-line)", "stroke-width": 1 };
      put("line", { x1: 0, y1: y0, x2: side, y2: y0, ...faint }, parent);
      put("line", { x1: x0, y1: 0, x2: x0, y2: side, ...faint }, parent);
      for (let value = -step * Math.floor(radius / step); value <= radius; value += step) {
        if (Math.abs(value) < step / 2) continue;
        const [x, y] = at([value, value]);
        put("text", { x, y: side - 5, "text-anchor": "middle", class: "mtl-arrows-tick" }, parent, short(value));
        put("text", { x: 5, y: y + 4, class: "mtl-arrows-tick" }, parent, short(value));
      }
    }

    function wedge(parent, vectors, dark) {
      const [first, second] = vectors.map(([x, y]) => Math.atan2(y, x)), turn = ((second - first + 3 * Math.PI) % (2 * Math.PI)) - Math.PI;
      if (Math.abs(turn) > 3.1414) return; // between opposite gradients only a line is left
      const a = first + Math.max(turn, 0) - Math.PI / 2, b = first + Math.min(turn, 0) + Math.PI / 2, points = [at([0, 0])];
      for (let i = 0; i <= 8; i++) points.push(at([Math.cos, Math.sin].map(part => 3 * radius * part(a + (b - a) * i / 8))));
      put("polygon", { points: points.map(p => p.join()).join(" "), fill: "#2e9e4f", "fill-opacity": dark ? 0.26 : 0.14, class: "mtl-arrows-safe" }, parent);
    }

    function draw() {
      side = Math.min(MOST, el.clientWidth);
      if (!side) return;
      const { dark, ink } = inkOf(el), gradients = model.get("gradients"), tips = model.get("tips"), looks = model.get("looks");
      for (const [name, value] of Object.entries({ width: side, height: side, viewBox: `0 0 ${side} ${side}` })) svg.setAttribute(name, value);
      back.replaceChildren();
      front.replaceChildren();
      wedge(back, Object.values(gradients), dark);
      scale(back);
      for (const [task, [x, y]] of Object.entries(gradients)) {
        const colour = suits(looks[task].colour, dark), far = 3 * radius / Math.hypot(x, y), [x1, y1] = at([-far * y, far * x]), [x2, y2] = at([far * y, -far * x]);
        put("line", { x1, y1, x2, y2, stroke: colour, "stroke-width": 1.5, "stroke-dasharray": "2 4" }, back);
        const [hx, hy] = at(handleOf([x, y], radius, model.get("handle"))), [ox, oy] = at([0, 0]);
        put("line", { x1: ox, y1: oy, x2: hx, y2: hy, stroke: colour, "stroke-width": 1 }, back);
        arrow(task, [x, y], back, 20);
      }
      for (const [name, tip] of Object.entries(tips)) arrow(name, tip, front, 13);
      for (const [task, vector] of Object.entries(gradients)) {
        const ring = (handles[task] ??= handle(task)), colour = suits(looks[task].colour, dark), [x, y] = at(handleOf(vector, radius, model.get("handle")));
        for (const [name, value] of Object.entries({ cx: x, cy: y, fill: colour, stroke: colour })) ring.setAttribute(name, value);
        // Beyond the handle, and clear of it.
        const a = Math.atan2(y - side / 2, x - side / 2), wide = 4.5 * task.length, lx = Math.max(wide, Math.min(side - wide, x + (22 + wide) * Math.cos(a)));
        const dy = Math.abs(lx - x) < 18 + wide ? 28 * (Math.sin(a) < 0 ? -1 : 1) : 28 * Math.sin(a), ly = Math.max(14, Math.min(side - 8, y + dy + 5));
        put("text", { x: lx, y: ly, "text-anchor": "middle", class: "mtl-arrows-name", style: `fill: ${worded(looks[task].colour, dark)}` }, front, task);
      }
      drawKey(dark, ink);
      fold.news();
    }

    function drawKey(dark) {
      const tips = model.get("tips"), shown = model.get("shown"), focus = key.contains(document.activeElement) ? document.activeElement.dataset.method : null;
      key.replaceChildren();
      for (const name of model.get("methods")) {
        const look = model.get("looks")[name], button = document.createElement("button"), on = shown.includes(name), tip = tips[name];
        Object.assign(button, { type: "button", title: on ? "hide it" : "show it" });
        button.dataset.method = name;
        button.setAttribute("aria-pressed", on);
        const line = put("svg", { width: 34, height: 10, "aria-hidden": true }, button);
        put("line", { x1: 0, y1: 5, x2: 34, y2: 5, stroke: suits(look.colour, dark), "stroke-width": look.width, "stroke-dasharray": look.dash.join(" ") }, line);
        button.append(tip && !tip[0] && !tip[1] ? `${name} = 0` : name);
        button.addEventListener("click", () => { const now = model.get("shown"); model.set("shown", model.get("methods").filter(other => (other === name) !== now.includes(other))); model.save_changes(); });
        key.append(button);
        if (name === focus) button.focus();
      }
      const note = document.createElement("div");
      note.className = "mtl-note";
      note.textContent = "shaded: no task is harmed; behind a task's dotted line, it is";
      key.append(note);
    }

    // The view never jumps: it glides to another radius.
    function look() {
      cancelAnimationFrame(glide);
      const start = radius, end = model.get("radius"), since = performance.now();
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) { radius = end; draw(); return; }
      const frame = now => {
        const part = Math.min(1, Math.max(0, (now - since) / GLIDE));
        radius = part === 1 ? end : start * (end / start) ** (part * part * (3 - 2 * part));
        draw();
        if (part < 1) glide = requestAnimationFrame(frame);
      };
      if (end === start) draw();
      else frame(since);
    }
    const news = "change:gradients change:tips change:radius change:shown";
    let due = 0;
    const soon = () => { cancelAnimationFrame(due); due = requestAnimationFrame(look); };
    model.on(news, soon);
    draw();
    const end = whenChanged(el, draw);
    return () => { end(); cancelAnimationFrame(glide); cancelAnimationFrame(due); model.off(news, soon); };
  },
};
