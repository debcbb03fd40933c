(function () {
  "use strict";
  var table = document.querySelector("table");
  var bodies = Array.prototype.slice.call(table.tBodies);
  var rows = Array.prototype.concat.apply([], bodies.map(function (b) { return Array.prototype.slice.call(b.rows); }));
  var size = bodies.length ? bodies[0].rows.length : 0;
  var found = document.getElementById("found");
  var input = document.getElementById("search");
  var changed = document.getElementById("changed"), missing = document.getElementById("missing"), news = document.getElementById("news");
  // Read once: asking the page again for every letter would be slow.
  var texts = null;
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  var searched = heads.filter(function (head) { return "search" in head.dataset; });
  function read() {
    if (texts) { return; }
    texts = rows.map(function (row) {
      var cells = searched.map(function (head) { return row.cells[head.cellIndex].textContent; });
      // The folder's name has the months as numbers, and the postcode, here without its space.
      var folder = row.querySelector("a").getAttribute("href").split("/")[0];
      return cells.concat(folder, folder.replace("-", "")).join(" ").toLowerCase();
    });
  }
  function say(shown) {
    found.textContent = input.value.trim() || changed.checked || missing.checked || (news && news.checked) ? shown.toLocaleString("en-GB") + " of " + rows.length.toLocaleString("en-GB") + (rows.length === 1 ? " report" : " reports") : "";
  }
  function search() {
    read();
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    var full = {};
    rows.forEach(function (row, i) {
      var hit = (!changed.checked || "c" in row.dataset) && (!missing.checked || "m" in row.dataset) && (!news || !news.checked || "n" in row.dataset) && words.every(function (w) { return texts[i].indexOf(w) >= 0; });
      if (row.hidden === hit) { row.hidden = !hit; }
      if (hit) { shown += 1; full[row.parentNode.dataset.i] = true; }
    });
    // A body without a row left must not keep room for a hundred.
    bodies.forEach(function (b) { b.hidden = !full[b.dataset.i]; });
    say(shown);
  }
  bodies.forEach(function (b, i) { b.dataset.i = i; });
  var timer = 0;
  input.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(search, 40); });
  changed.addEventListener("change", search);
  missing.addEventListener("change", search);
  if (news) { news.addEventListener("change", search); }
  input.form.addEventListener("submit", function (event) { event.preventDefault(); search(); });
  var order = new Intl.Collator("en-GB", { numeric: true });
  var start = new Map(rows.map(function (row, i) { return [row, i]; }));
  var keys = {
    name: function () { return 0; },
    missing: function (row) { return Number(row.dataset.m || 0); },
    coverage: function (row, head) { return row.cells[head.cellIndex].textContent; }
  };
  function sort(head) {
    var down = head.getAttribute("aria-sort") === "ascending";
    var key = keys[head.dataset.sort];
    var known = new Map(rows.map(function (row) { return [row, key(row, head)]; }));
    table.querySelectorAll("[aria-sort]").forEach(function (h) { h.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.sort(function (a, b) {
      var x = known.get(a), y = known.get(b);
      var by = typeof x === "number" ? x - y : order.compare(x, y);
      // What is alike stays in the order of names.
      return (by || start.get(a) - start.get(b)) * (down ? -1 : 1);
    });
    texts = null;
    rows.forEach(function (row, i) { bodies[Math.floor(i / size)].appendChild(row); });
    search();
  }
  table.querySelectorAll("th[data-sort]").forEach(function (head) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", function () { sort(head); });
    head.textContent = "";
    head.appendChild(button);
  });
  input.form.hidden = false;
})();
