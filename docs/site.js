"use strict";
// The theme puts an unnamed navigation into every block of code. Each gets a name of its own for screen readers.
(() => {
  let count = 0;
  const name = () => {
    for (const each of document.querySelectorAll(".md-code__nav:not([aria-label])"))
      each.setAttribute("aria-label", `Code block ${++count}`);
  };
  new MutationObserver(name).observe(document.documentElement, { childList: true, subtree: true });
  name();
})();
