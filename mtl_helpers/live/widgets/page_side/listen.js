// A button that plays a short sound.

export default {
  render({ model, el }) {
    el.classList.add("mtl-listen");
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "jupyter-button", textContent: "▶ listen", title: "What the microphone hears" });
    el.append(button);
    let url = null;
    button.addEventListener("click", async () => {
      if (url) URL.revokeObjectURL(url);
      url = URL.createObjectURL(new Blob([model.get("value")], { type: "audio/wav" }));
      const sound = new Audio(url);
      button.classList.add("mtl-heard");
      sound.addEventListener("ended", () => button.classList.remove("mtl-heard"));
      el.played = await sound.play().then(() => sound.src, error => { button.classList.remove("mtl-heard"); return String(error); }); // for tests
    });
    return () => { if (url) URL.revokeObjectURL(url); };
  },
};
