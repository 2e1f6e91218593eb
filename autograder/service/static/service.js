// Progress of an upload, and attempts that change while one looks. Without it the page works after a reload.
"use strict";

const said = document.getElementById("said");
const upload = document.getElementById("upload");

function say(text) {
  if (said) said.textContent = text;
}

if (upload) {
  upload.addEventListener("submit", (event) => {
    const file = document.getElementById("notebook").files[0];
    if (!file) return;
    event.preventDefault();
    if (file.size > Number(upload.dataset.most) * 1024 * 1024) {
      say("The file is too large. Clear its outputs, save it, and hand it in again.");
      return;
    }
    send(new FormData(upload));
  });
}

function send(form) {
  const bar = document.getElementById("progress");
  const button = upload.querySelector("button");
  const request = new XMLHttpRequest();
  button.disabled = true;
  bar.hidden = false;
  say("Sending…");
  request.upload.onprogress = (event) => {
    if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
  };
  request.onload = () => {
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    bar.hidden = true;
    button.disabled = false;
    if (request.status >= 400) {
      say((answer.querySelector("main .note") || answer.querySelector("main") || answer.body).textContent.trim());
      return;
    }
    upload.reset();
    upload.elements.ticket.value = Array.from(crypto.getRandomValues(new Uint8Array(12)), String).join("-");
    show(answer);
    say("Received. It is in the queue.");
  };
  request.onerror = () => {
    bar.hidden = true;
    button.disabled = false;
    say("The connection was lost. Try again: it counts as one attempt.");
  };
  request.open("POST", upload.action);
  request.send(form);
}

// Puts what another copy of this page shows into this one.
function show(page) {
  for (const id of ["left", "attempts", "boards", "rehearsals"]) {
    const now = document.getElementById(id);
    const then = page.getElementById(id);
    if (!now || !then) continue;
    now.replaceChildren(...then.childNodes);
    now.hidden = then.hidden;
  }
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

const list = document.getElementById("attempts");
if (list && list.dataset.events) {
  const over = (state) => !["waiting", "grading"].includes(state);
  const told = new Set();
  for (const item of document.querySelectorAll("[data-attempt]")) {
    if (over(item.dataset.state)) told.add(item.dataset.attempt);
  }
  const events = new EventSource(list.dataset.events);
  events.onmessage = async (event) => {
    const attempts = JSON.parse(event.data);
    const finished = [];
    let fetched = false;
    for (const [name, [title, state, text]] of Object.entries(attempts)) {
      const item = document.querySelector(`[data-attempt="${name}"]`);
      if (over(state) && !told.has(name)) {
        told.add(name);
        finished.push(`${title}: ${text}.`);
      }
      fetched = fetched || !item || (over(state) && item.dataset.state !== state);
      if (!item) continue;
      const line = item.querySelector("[data-said]");
      if (line.textContent !== text) line.textContent = text;
      item.dataset.state = state;
    }
    if (fetched) await refresh();
    if (finished.length) say(finished.join(" "));
  };
  events.addEventListener("boards", async (event) => {
    const rows = JSON.parse(event.data);
    const there = (board) => document.querySelector(`tr[data-board="${board}"]`);
    if (rows.some(([board]) => !there(board))) await refresh();
    for (const [board, rank, score] of rows) {
      const row = there(board);
      if (!row) continue;
      row.querySelector("[data-rank]").textContent = rank;
      row.querySelector("[data-score]").textContent = score;
    }
  });
}
