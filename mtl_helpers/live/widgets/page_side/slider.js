// The slider of a task weight λ: large, in the task's colour, with ticks and a typed value.

// Stops lie at equal distances; between two of them the scale is logarithmic, but linear from 0 to the first.
function place(value, stops) {
  const n = stops.length - 1;
  if (value <= stops[0]) return 0;
  if (value >= stops[n]) return 1;
  const i = stops.findIndex(stop => stop > value) - 1;
  const part = stops[i] > 0 ? Math.log(value / stops[i]) / Math.log(stops[i + 1] / stops[i]) : value / stops[i + 1];
  return (i + part) / n;
}

function read(text) {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() && Number.isFinite(value) && value >= 0 ? value : null;
}

export default {
  render({ model, el }) {
    const name = model.get("task"), stops = () => model.get("stops"), n = stops().length - 1;
    el.classList.add("mtl-slider");
    const label = document.createElement("span"), range = document.createElement("input"), typed = document.createElement("input");
    label.className = "mtl-slider-name";
    label.textContent = `λ ${name}`;
    label.title = name;
    Object.assign(range, { type: "range", min: 0, max: n, step: "any" });
    range.setAttribute("aria-label", `λ ${name}`);
    Object.assign(typed, { type: "text", inputMode: "decimal", className: "mtl-slider-value", title: "Type a value and press Enter" });
    typed.setAttribute("aria-label", `λ ${name}, typed`);
    const track = document.createElement("span"), ticks = document.createElement("span");
    track.className = "mtl-slider-track";
    ticks.className = "mtl-slider-ticks";
    for (const value of model.get("ticks")) {
      const tick = document.createElement("span");
      tick.textContent = String(value).replace("0.", ".");
      tick.style.left = `${100 * place(value, stops())}%`;
      ticks.append(tick);
    }
    track.append(range, ticks);
    el.append(label, track, typed);

    const colour = () => { const { dark } = inkOf(el), own = model.get("colours"); el.style.setProperty("--mtl-task", suits(own, dark)); el.style.setProperty("--mtl-worded", worded(own, dark)); };
    const show = () => {
      const value = model.get("value");
      if (document.activeElement !== typed || !typed.dataset.editing) typed.value = short(value).replace("−", "-");
      range.value = n * place(value, stops());
      range.setAttribute("aria-valuetext", short(value));
      el.style.setProperty("--mtl-filled", `${100 * place(value, stops())}%`);
      range.disabled = typed.disabled = model.get("disabled");
    };
    const choose = value => { if (value !== model.get("value")) { model.set("value", value); model.save_changes(); } };
    let held = false;
    const moved = () => { const value = stops()[Math.round(range.value)]; range.value = n * place(value, stops()); el.style.setProperty("--mtl-filled", `${100 * place(value, stops())}%`);
      typed.value = short(value); if (model.get("continuous") || !held) choose(value); };
    range.addEventListener("pointerdown", () => { held = true; });
    range.addEventListener("pointerup", () => { held = false; moved(); });
    range.addEventListener("input", moved);
    range.addEventListener("keydown", event => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -4, PageUp: 4, Home: -n, End: n }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      const at = n * place(model.get("value"), stops()), next = by > 0 ? Math.floor(at + 1e-6) + by : Math.ceil(at - 1e-6) + by;
      range.value = Math.max(0, Math.min(n, next));
      moved();
    });
    const take = () => {
      delete typed.dataset.editing;
      const value = read(typed.value);
      typed.classList.toggle("mtl-wrong", value === null);
      typed.setAttribute("aria-invalid", value === null);
      typed.title = value === null ? `"${typed.value}" is no λ: type a number from 0 up, such as 0.3` : "Type a value and press Enter";
      if (value !== null) choose(value), show();
    };
    typed.addEventListener("input", () => { typed.dataset.editing = "yes"; });
    typed.addEventListener("change", take);
    typed.addEventListener("keydown", event => { event.stopPropagation(); if (event.key === "Enter") take(); });
    model.on("change:value change:disabled", show);
    colour();
    show();
    const end = whenChanged(el, colour);
    return () => { end(); model.off("change:value change:disabled", show); };
  },
};
