
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
  const original = [...body.rows];
  const rows = original.filter((row) => row.dataset.name !== undefined);
  const references = original.filter((row) => row.dataset.name === undefined);  // they have a place by rank only
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
    const byRank = column === 0 && direction > 0;
    references.forEach((row) => { row.hidden = !byRank; });
    body.append(...(byRank ? original : keyed.map((item) => item[2])));
    heads.forEach((head, place) => place === column
      ? head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending") : head.removeAttribute("aria-sort"));
  };
  heads.forEach((head, column) => {
    const name = document.createElement("button");
    name.type = "button";
    name.append(...head.childNodes);
    head.append(name);
    const first = Number(head.dataset.first ?? 1);
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
    references.forEach((row) => { row.hidden = words.length > 0; });
    document.getElementById("nothing").hidden = count > 0;
    found.textContent = words.length ? `${count} of ${rows.length}` : "";
  });

  // "#pseudonym" marks its row and shows it; "Find me" does so for the name that was typed, or for the last one.
  const show = (name) => {
    const wanted = name.trim().toLocaleLowerCase();
    const own = rows.filter((row) => row.dataset.name && wanted && row.dataset.name.toLocaleLowerCase().startsWith(wanted));
    const row = own.find((each) => each.dataset.name.toLocaleLowerCase() === wanted) ?? (own.length === 1 ? own[0] : null);
    rows.forEach((each) => each.classList.toggle("me", each === row));
    if (!row) return false;
    rows.forEach((each) => { each.hidden = false; });
    row.scrollIntoView({ block: "center" });
    return true;
  };
  const fromAddress = () => { try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; } };
  const mine = { read: () => { try { return localStorage.getItem("me") ?? ""; } catch { return ""; } },
    keep: (name) => { try { localStorage.setItem("me", name); } catch { /* no storage: this visit only */ } } };
  document.getElementById("find-me").addEventListener("click", () => {
    const name = search.value || fromAddress() || mine.read();
    if (show(name)) { mine.keep(name); found.textContent = ""; }
    else found.textContent = name ? "No ranked entry has this name." : "Type your pseudonym first.";
  });
  addEventListener("hashchange", () => show(fromAddress()));
  if (fromAddress()) show(fromAddress());
})();
