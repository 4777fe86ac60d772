// The search box: every word must occur in a page's title, kind, description or keywords.
"use strict";

const MOST_SHOWN = 30;

function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function matches(words) {
  const found = [];
  for (const [title, kind, path, about, keywords] of window.guideIndex) {
    const name = folded(title);
    const all = folded([title, kind, about, keywords].join(" "));
    if (words.every((word) => all.includes(word))) {
      found.push({ title, kind, path, about, first: words.every((word) => name.includes(word)) });
    }
  }
  return found.sort((one, other) => other.first - one.first);
}

function show(form, found) {
  const list = form.querySelector("ol");
  list.replaceChildren();
  for (const { title, kind, path, about } of found.slice(0, MOST_SHOWN)) {
    const link = document.createElement("a");
    link.href = form.dataset.up + path;
    link.textContent = title;
    const item = document.createElement("li");
    item.append(link, ` (${kind}) ${about}`);
    list.append(item);
  }
}

const form = document.querySelector("form[role=search]");
const input = form.querySelector("input");
form.hidden = false;
input.value = new URLSearchParams(location.search).get("q") ?? "";
form.addEventListener("submit", (event) => event.preventDefault());
function search() {
  const words = folded(input.value).split(/\s+/).filter(Boolean);
  const found = words.length ? matches(words) : [];
  show(form, found);
  const { none, found: several } = form.dataset;
  form.querySelector("#count").textContent =
    words.length === 0 ? "" : found.length === 0 ? none : `${found.length} ${several}`;
}

input.addEventListener("input", search);
search();
