// Light or dark: as the system has it, until the button is pressed; remembered for the other pages.
const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } }; // a browser may forbid it to files
const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
if (kept()) root.dataset.theme = kept();

addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; button.title = `Show the page in ${dark() ? "light" : "dark"} colours`; };
  button.hidden = false;
  button.onclick = () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it lasts for this page, then */ }
    name();
  };
  system.addEventListener("change", name);
  name();
});
