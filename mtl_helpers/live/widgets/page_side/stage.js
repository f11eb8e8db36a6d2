// A drive: what the camera sees, the road from above with the car on it, and what the model says; a picture a frame of the kernel.

const SAYS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "ahead", ArrowDown: "stop" };
const WAYS = { left: "←", right: "→", ahead: "↑", stop: "■" };

function part(tag, className, parent, text = "") {
  const el = document.createElement(tag);
  Object.assign(el, { className, textContent: text });
  parent.append(el);
  return el;
}

// Square pictures come as bytes: row by row red, green and blue of each pixel.
function paint(canvas, bytes) {
  const n = Math.round(Math.sqrt(bytes.byteLength / 3));
  if (!n) return;
  const image = new ImageData(n, n);
  for (let i = 0, j = 0; j < image.data.length; j += 4) {
    for (let k = 0; k < 3; k++) image.data[j + k] = bytes.getUint8(i++);
    image.data[j + 3] = 255;
  }
  if (canvas.width !== n) canvas.width = canvas.height = n;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

class Stage {
  constructor(model, el) {
    Object.assign(this, { model, el, drawn: 0 });
    el.classList.add("mtl-stage");
    el.stage = this; // for tests: what is drawn, read back from the page
    const grid = part("div", "mtl-stage-grid", el), camera = part("div", "mtl-stage-camera", grid), map = part("div", "mtl-stage-map", grid);
    this.cameraTitle = part("div", "mtl-panel-title", camera, "camera");
    this.camera = part("canvas", "", camera);
    const small = part("div", "mtl-stage-small", camera);
    [this.seen, this.heard] = ["it gets 32 × 32 pixels", "it hears"].map(text => {
      const figure = part("figure", "", small), canvas = part("canvas", "", figure);
      canvas.caption = part("figcaption", "", figure, text);
      return canvas;
    });
    part("div", "mtl-panel-title", map, "from above");
    this.map = part("canvas", "", map);
    Object.assign(this.map, { tabIndex: 0, title: "Arrow keys say left, right, ahead and stop; the space bar drives and pauses" });
    for (const canvas of [this.camera, this.map, this.seen, this.heard]) canvas.setAttribute("role", "img");
    this.key = part("div", "mtl-stage-key", map);
    this.answers = part("div", "mtl-stage-answers", grid);
    part("div", "mtl-panel-title", this.answers, "the model says");
    this.rows = new Map();
    this.note = part("div", "mtl-stage-note", this.answers);
    this.note.setAttribute("role", "status");
    this.fold = numbersOf(el, () => this.numbers());
    this.map.addEventListener("keydown", event => {
      const said = event.key === " " ? { go: true } : SAYS[event.key] && { say: SAYS[event.key] };
      if (!said) return;
      event.preventDefault();
      event.stopPropagation();
      model.send(said);
    });
  }

  row(task) {
    if (this.rows.has(task)) return this.rows.get(task);
    const line = part("div", "mtl-stage-answer", this.answers), name = part("span", "mtl-stage-task", line, task), says = part("b", "", line);
    const bar = part("span", "mtl-stage-bar", line), sure = part("span", "mtl-stage-sure", line);
    this.answers.append(this.note); // stays the last
    const made = { line, name, says, bar, sure };
    this.rows.set(task, made);
    return made;
  }

  numbers() {
    const { car, points, answers } = this.model.get("frame"), says = ["task", "says", "confidence"];
    const places = [["car", ...car.slice(0, 2)], ...points.map((point, i) => [`waypoint ${i + 1}`, ...point])];
    return [{ title: "places, in road widths from the crossing", heads: ["", "x", "y"], rows: places },
      { title: "answers", heads: says, rows: answers.map(({ task, says, sure }) => [task, says, sure]) }];
  }

  soon() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => { this.due = false; this.draw(); });
  }

  draw() {
    const frame = this.model.get("frame");
    if (!this.map.parentElement.clientWidth || !frame.car) return;
    const { ink, dark, big } = inkOf(this.el);
    paint(this.camera, this.model.get("camera"));
    paint(this.seen, this.model.get("seen"));
    paint(this.heard, this.model.get("heard"));
    this.cameraTitle.textContent = frame.camera ? "camera" : "camera: off";
    this.heard.caption.textContent = frame.microphone ? `it hears “${frame.said}”` : "it hears nothing";
    for (const canvas of [this.seen, this.heard]) canvas.setAttribute("aria-label", canvas.caption.textContent);
    this.camera.setAttribute("aria-label", frame.camera ? "what the camera sees" : "black: the camera is off");
    this.drawAnswers(frame, dark);
    this.drawMap(frame, ink, dark, big);
    this.fold.news();
    this.drawn += 1;
  }

  drawAnswers(frame, dark) {
    for (const { task, says, right, sure } of frame.answers) {
      const row = this.row(task), wrong = right !== null && says !== right;
      row.line.style.setProperty("--mtl-task", suits(this.colours()[task], dark));
      row.name.style.color = worded(this.colours()[task], dark);
      row.says.textContent = `${task === "action" || task === "waypoints" ? `${WAYS[says] ?? ""} ` : ""}${says}`;
      row.line.classList.toggle("mtl-past", frame.decided && right === null && sure !== null);
      row.bar.style.setProperty("--mtl-sure", sure === null ? 0 : sure);
      row.bar.style.visibility = sure === null ? "hidden" : "";
      row.sure.textContent = sure === null ? "" : `${Math.round(100 * sure)} %`;
      if (wrong) {
        row.sure.append(" · ");
        part("b", "", row.sure, `✗ true: ${right}`);
      }
    }
    if (this.note.textContent !== frame.note) this.note.textContent = frame.note;
    this.note.classList.toggle("mtl-stage-warns", frame.warns);
  }

  colours() {
    return this.model.get("scene").colours;
  }

  drawMap(frame, ink, dark, big) {
    const scene = this.model.get("scene"), [[x0, x1], [y0, y1]] = scene.view, k = devicePixelRatio, paper = dark ? "#111" : "#fff";
    const wide = Math.max(1, this.map.parentElement.clientWidth), scale = wide / (x1 - x0), high = Math.round(scale * (y1 - y0));
    Object.assign(this.map, { width: Math.round(wide * k), height: Math.round(high * k) });
    this.map.style.height = `${high}px`;
    const ctx = this.map.getContext("2d"), at = ([x, y]) => [(x - x0) * scale, (y1 - y) * scale];
    ctx.scale(k, k);
    const trace = points => { ctx.beginPath(); for (const p of points) ctx.lineTo(...at(p)); };
    const line = (points, colour, width, dash = []) => {
      Object.assign(ctx, { strokeStyle: colour, lineWidth: width * big, lineJoin: "round", lineCap: dash.length ? "butt" : "round" });
      ctx.setLineDash(dash);
      trace(points);
      ctx.stroke();
      ctx.setLineDash([]);
    };
    ctx.fillStyle = dark ? "#26351f" : "#d5e3c8";
    ctx.fillRect(0, 0, wide, high);
    const tar = dark ? "#4b4d50" : "#b9bbbf";
    for (const { points, width } of scene.roads) line(points, tar, (width * scale) / big);
    for (const { points } of scene.roads.slice(0, 1)) line(points, paper, 1.5, [8, 8]);
    line(frame.right, ink, 2, [3, 5]);
    line(frame.driven, ink, 3);
    for (const thing of scene.things) {
      ctx.save();
      ctx.translate(...at(thing.at));
      drawThing(ctx, thing, scale, paper);
      ctx.restore();
    }
    const colour = suits(this.colours().waypoints, dark);
    line([frame.car.slice(0, 2), ...frame.points], colour, 2.5);
    for (const point of frame.points) {
      ctx.beginPath();
      ctx.arc(...at(point), 5 * big, 0, 2 * Math.PI);
      Object.assign(ctx, { fillStyle: colour, strokeStyle: paper, lineWidth: 1.5 });
      ctx.fill();
      ctx.stroke();
    }
    ctx.save();
    ctx.translate(...at(frame.car));
    ctx.rotate(frame.car[2]); // clockwise from straight up
    drawCar(ctx, scale, ink, paper);
    ctx.restore();
    this.map.setAttribute("aria-label", frame.told);
    this.drawKey([["●", "waypoints", colour], ["━", "driven", ink], ["┅", "the rule of the road", ink]]);
  }

  drawKey(items) {
    const now = JSON.stringify(items);
    if (now === this.keyed) return;
    this.keyed = now;
    this.key.replaceChildren();
    for (const [sample, text, colour] of items) {
      const item = part("span", "", this.key);
      part("b", "", item, sample).style.color = colour;
      item.append(` ${text}`);
    }
  }
}

// A car of 4.4 m by 1.9 m, larger than it is so that it is seen: a road is 8 m wide.
function drawCar(ctx, scale, ink, paper) {
  const long = 0.62 * scale, half = 0.15 * scale;
  Object.assign(ctx, { fillStyle: ink, strokeStyle: paper, lineWidth: 1.5 });
  ctx.beginPath();
  ctx.roundRect(-half, -long / 2, 2 * half, long, 0.5 * half);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = paper;
  ctx.beginPath();
  ctx.roundRect(-0.7 * half, -0.24 * long, 1.4 * half, 0.2 * long, 0.2 * half);
  ctx.fill();
}

function drawThing(ctx, { kind, colour }, scale, paper) {
  Object.assign(ctx, { fillStyle: colour, strokeStyle: paper, lineWidth: 1.5, textAlign: "center", textBaseline: "middle" });
  ctx.beginPath();
  if (kind === "truck") {
    ctx.roundRect(-0.2 * scale, -0.26 * scale, 0.4 * scale, 0.52 * scale, 0.06 * scale);
    ctx.fill();
    ctx.stroke();
    return;
  }
  const r = 0.26 * scale, corners = kind === "stop" ? 8 : 48;
  for (let i = 0; i < corners; i++) {
    const a = (2 * Math.PI * (i + 0.5)) / corners;
    ctx.lineTo(r * Math.cos(a), r * Math.sin(a));
  }
  ctx.closePath();
  ctx.fill();
  ctx.stroke();
  const closed = { "left only": -Math.PI / 2, "right only": Math.PI / 2 }[kind];
  if (closed !== undefined) {
    ctx.beginPath();
    ctx.arc(0, 0, r, closed, closed + Math.PI);
    ctx.fillStyle = "#d1191f";
    ctx.fill();
  }
  ctx.fillStyle = "#fff";
  if (kind === "no entry") ctx.fillRect(-0.65 * r, -0.18 * r, 1.3 * r, 0.36 * r);
  else {
    ctx.font = `700 ${kind === "stop" ? 0.62 * r : 1.4 * r}px system-ui, sans-serif`;
    ctx.fillText(kind === "stop" ? "STOP" : WAYS[kind.split(" ")[0]], 0, 0.05 * r);
  }
}

export default {
  render({ model, el }) {
    const stage = new Stage(model, el), soon = () => stage.soon(), end = whenChanged(el, () => stage.draw());
    const what = "change:frame change:scene change:camera";
    model.on(what, soon);
    stage.draw();
    return () => { end(); model.off(what, soon); };
  },
};
