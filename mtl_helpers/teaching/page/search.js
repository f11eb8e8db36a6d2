// Every section that has all the words, best first: found in the heading counts most, then how often in the text.
// Words are found anywhere, since Chinese puts no spaces between them.
const AROUND = 90, MOST = 40;

function search(asked) {
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
  const times = (text, word) => text.toLowerCase().split(word).length - 1;
  const rank = entry => {
    const each = words.map(word => 20 * times(entry.heading, word) + times(entry.text, word));
    return words.length && Math.min(...each) > 0 ? each.reduce((sum, x) => sum + x, 0) : 0;
  };
  return INDEX.map(entry => [rank(entry), entry]).filter(([r]) => r > 0).sort(([a], [b]) => b - a).map(([, entry]) => entry);
}

function excerpt(text, word) {
  const at = text.toLowerCase().indexOf(word), from = Math.max(0, at - AROUND), p = document.createElement("p");
  if (at < 0) { p.append(text.slice(0, 2 * AROUND) + " …"); return p; } // the word stands in the heading alone
  const mark = document.createElement("mark");
  mark.textContent = text.slice(at, at + word.length);
  p.append((from ? "… " : "") + text.slice(from, at), mark, text.slice(at + word.length, at + AROUND) + " …");
  return p;
}

const asked = new URLSearchParams(location.search).get("q") || "";
document.querySelector("input[type=search]").value = asked;
if (asked.trim()) {
  const found = search(asked), list = document.getElementById("found"), word = asked.toLowerCase().trim().split(/\s+/)[0];
  document.getElementById("count").textContent = `${found.length} section${found.length === 1 ? "" : "s"} with “${asked}”` + (found.length > MOST ? `, the first ${MOST} of them` : "");
  for (const entry of found.slice(0, MOST)) {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = `${entry.page}.html${entry.id ? `#${entry.id}` : ""}`;
    link.textContent = entry.heading === entry.lesson ? entry.lesson : `${entry.lesson.split(":")[0]} · ${entry.heading}`;
    item.append(link, excerpt(entry.text, word));
    list.append(item);
  }
}
