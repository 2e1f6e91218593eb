"use strict";
// Keys for marking, and the sum of the items. Without scripts the page works by its buttons.
(() => {
  const forms = [...document.querySelectorAll("form")].filter(form => form.querySelector("[name=item]"));
  for (const form of forms) {
    const points = form.querySelector("[name=points]"), sum = form.querySelector("output");
    const items = [...form.querySelectorAll("[name=item]")];
    const show = () => {
      const chosen = items.filter(item => item.checked).reduce((all, item) => all + Number(item.dataset.points), 0);
      const own = points.value.trim().replace(",", ".");
      const most = Number(sum.dataset.most);
      sum.value = own !== "" ? own : String(Math.round(100 * Math.min(Math.max(chosen, 0), most)) / 100);
    };
    form.addEventListener("input", event => {
      const item = event.target;
      if (item.name === "item") {
        points.value = "";
        if (item.checked && item.dataset.part)
          for (const other of items) if (other !== item && other.dataset.part === item.dataset.part) other.checked = false;
      }
      form.dataset.changed = "yes";
      show();
    });
    for (const saved of form.querySelectorAll("[data-comment]"))
      saved.addEventListener("click", () => {
        const comment = form.querySelector("[name=comment]");
        comment.value = (comment.value.trim() ? comment.value.trim() + "\n" : "") + saved.dataset.comment;
        form.dataset.changed = "yes";
        comment.focus();
      });
    show();
  }

  const form = document.getElementById("marking");
  if (!form) return;
  const changed = () => form.dataset.changed === "yes";
  let left = false;
  const save = to => {
    if (left) return;
    left = true;
    document.getElementById("to").value = to;
    form.requestSubmit(document.getElementById("save"));
  };
  const go = address => {
    if (!address || left) return;
    if (changed()) save(new URL(address).pathname.split("/").pop());
    else { left = true; location.assign(address); }
  };
  const linked = name => document.getElementById(name)?.href;
  // The answer that was saved last, of this question: whoever sees a slip goes back to it, wherever in the order it is.
  const saved = `saved ${form.action.replace(/[^/?]+(\?.*)?$/, "$1")}`;
  form.addEventListener("submit", () => { left = true; sessionStorage.setItem(saved, location.href); });
  // Pictures and tables may need the whole width; whoever asks for it once wants it for the answers that follow, too.
  const columns = document.querySelector(".columns");
  const widen = () => { columns.classList.toggle("wide", sessionStorage.getItem("wide") === "yes"); };
  widen();
  addEventListener("pageshow", () => { left = false; });
  addEventListener("beforeunload", event => { if (changed() && !left) event.preventDefault(); });

  addEventListener("keydown", event => {
    const typing = event.target.matches("textarea, input:not([type=checkbox])");
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      if (event.key === "Enter" && event.target.form === form && (event.ctrlKey || event.metaKey || event.target.id === "points")) {
        event.preventDefault();
        save("");
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.matches("summary, a, button") && event.key === "Enter") return;
    const items = form.querySelectorAll("[name=item]"), points = document.getElementById("points");
    const actions = {
      Enter: () => save(""), n: () => go(linked("after")), ArrowRight: () => go(linked("after")),
      p: () => go(linked("before")), ArrowLeft: () => go(linked("before")), u: () => go(sessionStorage.getItem(saved)),
      z: () => { sessionStorage.setItem("wide", columns.classList.contains("wide") ? "no" : "yes"); widen(); },
      c: () => document.getElementById("comment")?.focus(),
      w: () => { const who = document.getElementById("who"); who.open = !who.open; },
      0: () => { for (const item of items) item.checked = false; points.value = "0"; points.dispatchEvent(new Event("input", {bubbles: true})); },
    };
    if (/^[1-9]$/.test(event.key)) actions[event.key] = () => items[event.key - 1]?.click();
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
})();
