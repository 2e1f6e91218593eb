
"use strict";
(() => {
  const root = document.documentElement;
  const table = document.getElementById("standings");

  // Light and dark: the reader's system decides until the button is pressed.
  const button = document.getElementById("theme");
  const recall = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* no storage: this visit only */ } };
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const label = () => { button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", dark() ? "Switch to light colours" : "Switch to dark colours"); };
  if (["light", "dark"].includes(recall())) root.dataset.theme = recall();
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; keep(root.dataset.theme); label(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  label();
  if (!table) return;

  // Sorting: stable, so rows of equal value keep the order of the board.
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column, kind) => {
    const cell = row.cells[column];
    const raw = cell.dataset.value ?? cell.textContent;
    return kind === "number" ? Number(raw) : raw.trim().toLocaleLowerCase();
  };
  const sort = (column, direction) => {
    const kind = heads[column].dataset.kind;
    const keyed = rows.map((row, place) => [value(row, column, kind), place, row]);
    keyed.sort((a, b) => {
      if (a[0] === "" || b[0] === "") return (a[0] === "") - (b[0] === "") || a[1] - b[1];
      const order = kind === "number" ? a[0] - b[0] : a[0].localeCompare(b[0]);
      return direction * order || a[1] - b[1];
    });
    body.append(...keyed.map((item) => item[2]));
    heads.forEach((head, place) => place === column
      ? head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending") : head.removeAttribute("aria-sort"));
  };
  heads.forEach((head, column) => {
    const name = document.createElement("button");
    name.type = "button";
    name.append(...head.childNodes);
    head.append(name);
    const first = head.textContent === "Score" || head.textContent === "First" ? -1 : 1;
    name.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      sort(column, now === null ? first : now === "ascending" ? -1 : 1);
    });
  });

  // Searching: every word must occur in the row.
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const texts = rows.map((row) => row.textContent.toLocaleLowerCase().replace(/\s+/g, " "));
  document.querySelector(".search").hidden = false;
  search.addEventListener("input", () => {
    const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, place) => {
      row.hidden = !words.every((word) => texts[place].includes(word));
      count += !row.hidden;
    });
    document.getElementById("nothing").hidden = count > 0;
    found.textContent = words.length ? `${count} of ${rows.length}` : "";
  });
})();
