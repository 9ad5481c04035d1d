"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const attacks = new Map(data.attacks.map((a) => [a.id, a]));
const form = document.querySelector("form.controls");
const list = document.querySelector(".people");
const dialog = document.querySelector("dialog");
const sliders = document.querySelectorAll("input[type=range]");
const cards = [...list.children].map((element) => ({
  element,
  person: Number(element.dataset.person),
  faces: [...element.querySelectorAll("figure[data-attack]")].map((figure) => {
    const attack = attacks.get(figure.dataset.attack);
    const row = Number(figure.dataset.row);
    return { figure, attack, row, facts: attack.people[row], tile: figure.firstElementChild };
  }),
}));
for (const card of cards) for (const face of card.faces) face.still = face.tile.style.backgroundPosition;

// Where in a sheet of so many pictures one is.
function position(index, count) {
  const columns = Math.max(1, Math.ceil(Math.sqrt(count)));
  const lines = Math.ceil(count / columns);
  const across = (100 * (index % columns)) / Math.max(1, columns - 1);
  const down = (100 * Math.floor(index / columns)) / Math.max(1, lines - 1);
  return `${across}% ${down}%`;
}

// Filters and order.
function arrange() {
  const chosen = Object.fromEntries(new FormData(form));
  let shown = 0;
  for (const card of cards) {
    for (const face of card.faces) {
      face.shown =
        (!chosen.model || face.attack.model === chosen.model) &&
        (!chosen.group || face.attack.group === chosen.group) &&
        (!chosen.outcome || face.facts.recovered === (chosen.outcome === "yes"));
      face.figure.hidden = !face.shown;
    }
    const visible = card.faces.filter((face) => face.shown);
    for (const method of card.element.querySelectorAll(".method"))
      method.hidden = !visible.some((face) => face.attack.group === method.dataset.group);
    const filtered = chosen.model || chosen.group || chosen.outcome;
    card.element.hidden = filtered && visible.length === 0;
    shown += !card.element.hidden;
    const values = visible.map((face) => face.facts[chosen.sort]).filter((value) => value !== null);
    card.key = values.length === 0 ? Infinity
      : chosen.sort === "aligned_ssim" ? -Math.max(...values) : Math.min(...values);
    if (chosen.sort === "name") card.key = card.person;
  }
  cards.sort((a, b) => a.key - b.key || a.person - b.person);
  list.append(...cards.map((card) => card.element));
  list.classList.toggle("one", Boolean(chosen.model && chosen.group));
  document.querySelector(".status").textContent = `${shown} of ${cards.length} people shown`;
  show();
}

// The face emerging: the picture of a moment between 0 (the first step) and 1 (the end).
let moment = 1;
function paint(tile, attack, row, still) {
  const facts = attack.people[row];
  const frames = attack.at.filter((i) => i <= facts.iterations).length;
  const moving = moment < 1 && frames > 0;
  const k = Math.min(frames - 1, Math.floor(moment * attack.at.length));
  tile.classList.toggle("frame", moving);
  tile.style.backgroundPosition = moving
    ? position(row * attack.at.length + k, attack.people.length * attack.at.length) : still;
  return moving ? attack.at[k] : facts.iterations;
}
function show() {
  for (const slider of sliders) {
    slider.value = 100 * moment;
    slider.setAttribute("aria-valuetext", moment === 1 ? "the end" : `${Math.round(100 * moment)}%`);
  }
  for (const card of cards) {
    if (card.element.hidden) continue;
    for (const face of card.faces) if (face.shown) paint(face.tile, face.attack, face.row, face.still);
  }
  for (const tile of dialog.querySelectorAll(".tile[data-attack]")) {
    const i = paint(tile, attacks.get(tile.dataset.attack), Number(tile.dataset.row), tile.dataset.still);
    tile.nextElementSibling.textContent = `after ${i} ${i === 1 ? "step" : "steps"}`;
  }
}
let timer = 0;
function play(on) {
  clearInterval(timer);
  timer = 0;
  for (const button of document.querySelectorAll("[data-play]")) {
    button.textContent = on ? "Pause" : "Play";
  }
  if (!on) return;
  if (moment >= 1) moment = 0;
  show();
  timer = setInterval(() => {
    moment = Math.min(1, moment + 0.05);
    show();
    if (moment === 1) play(false);
  }, 200);
}

// A person's page.
function add(parent, name, text, attributes = {}) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}
function draw(parent, curve, label) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const make = (name, attributes, text) => {
    const element = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    svg.append(element);
  };
  const last = Math.log1p(curve[curve.length - 1][0]) || 1;
  const costs = curve.map(([, c]) => c);
  const low = Math.min(...costs);
  const high = Math.max(...costs);
  const x = (i) => 30 + (165 * Math.log1p(i)) / last;
  const y = (c) => 12 + 60 * (1 - (c - low) / (high - low || 1));
  svg.setAttribute("viewBox", "0 0 200 92");
  svg.setAttribute("class", "curve");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  make("line", { x1: 30, y1: 74, x2: 195, y2: 74 });
  make("line", { x1: 30, y1: 10, x2: 30, y2: 74 });
  make("path", { d: "M" + curve.map(([i, c]) => `${x(i)},${y(c)}`).join("L") });
  make("text", { x: 29, y: 16, "text-anchor": "end" }, high.toPrecision(3));
  make("text", { x: 29, y: 74, "text-anchor": "end" }, low.toPrecision(3));
  make("text", { x: 30, y: 87 }, "0");
  make("text", { x: 112, y: 87, "text-anchor": "middle" }, "cost by step (log)");
  make("text", { x: 195, y: 87, "text-anchor": "end" }, String(curve[curve.length - 1][0]));
  parent.append(svg);
}
const ended = { alpha: "α, the most steps", beta: "β, no better for long", gamma: "γ, the cost was reached" };
function fill(person) {
  const card = cards.find((c) => c.person === person);
  dialog.querySelector("h2").textContent = data.names[person];
  const detail = dialog.querySelector(".detail");
  detail.replaceChildren();
  const photo = add(detail, "section");
  add(photo, "h3", "A training photo");
  const shown = card.element.querySelector(".photo .tile").cloneNode(true);
  photo.append(shown);
  for (const { attack, row, facts, still } of card.faces) {
    const part = add(detail, "section");
    add(part, "h3", attack.title);
    const tile = add(part, "span", undefined, {
      class: `tile s-${attack.id}`, role: "img", "aria-label": `${data.names[person]}: ${attack.title}`,
      "data-attack": attack.id, "data-row": row, "data-still": still,
    });
    tile.style.backgroundPosition = still;
    add(part, "p", "", { class: "small" });
    const facts_ = add(part, "dl");
    const seen = facts.first.length ? `${facts.first.join(", ")}` : "none of the recognisers";
    for (const [name, value] of [
      ["recovered", facts.recovered ? "yes" : "no"], ["named first by", seen],
      ["SSIM aligned", facts.aligned_ssim], ["SSIM raw", facts.ssim],
      ["NRMSE aligned", facts.aligned_nrmse], ["NRMSE raw", facts.nrmse], ["MSE", facts.mse],
      ["cost", facts.cost], ["steps", facts.iterations], ["ended by", ended[facts.stopped]],
    ]) {
      add(facts_, "dt", name);
      add(facts_, "dd", String(value ?? "not a number"));
    }
    if (facts.curve.length) draw(part, facts.curve, `Cost from ${facts.curve[0][1]} at the start, lowest ${Math.min(...facts.curve.map(([, c]) => c))}, over ${facts.iterations} steps`);
  }
  show();
}
function route() {
  const match = /^#person-(\d+)$/.exec(location.hash);
  const person = match ? Number(match[1]) : -1;
  if (!(person in data.names)) {
    if (dialog.open) dialog.close();
    return;
  }
  fill(person);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}
dialog.addEventListener("close", () => {
  play(false);
  const match = /^#person-(\d+)$/.exec(location.hash);
  if (!match) return;
  history.pushState(null, "", location.pathname + location.search);
  cards.find((c) => c.person === Number(match[1])).element.querySelector("a").focus();
});
dialog.addEventListener("keydown", (event) => {
  if (event.target.type === "range" || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const order = cards.filter((c) => !c.element.hidden).map((c) => c.person);
  const match = /^#person-(\d+)$/.exec(location.hash);
  const at = order.indexOf(Number(match[1])) + (event.key === "ArrowRight" ? 1 : -1);
  if (order[at] !== undefined) location.replace(`#person-${order[at]}`);
});

for (const slider of sliders)
  slider.addEventListener("input", () => {
    play(false);
    moment = slider.value / 100;
    show();
  });
for (const button of document.querySelectorAll("[data-play]"))
  button.addEventListener("click", () => play(!timer));
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", (event) => { if (event.target.type !== "range") arrange(); });
addEventListener("hashchange", route);
form.hidden = false;
for (const slider of document.querySelectorAll(".slider"))
  slider.hidden = !data.attacks.some((attack) => attack.at.length);
arrange();
route();
