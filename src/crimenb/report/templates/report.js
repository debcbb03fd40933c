(function () {
  "use strict";
  // The static drawings stay for print; on the screen each chart is drawn at the width there is.
  var PHONE = {{ PHONE }}, LINKED_WIDE = {{ LINKED_WIDE }}, LINKED_HIGH = {{ LINKED_HIGH }}, LINKED_MONTHS = {{ LINKED_MONTHS }};
  var hosts = Array.prototype.slice.call(document.querySelectorAll(".chart"));

  function make(tag, attributes, text) {
    var element = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (k) { element.setAttribute(k, attributes[k]); });
    if (text !== undefined) { element.textContent = text; }
    return element;
  }

  // The same as resized() in charts/display.py.
  function resize(spec, width) {
    var meta = spec.usermeta || {};
    var plot = width - ((width < PHONE ? meta.narrow : meta.margin) || 0);
    if (meta.linked) { return resizeLinked(spec, width); }
    spec.width = plot;
    if (meta.square) { spec.height = plot; }
  }
  function resizeLinked(spec, width) {
    var pair = spec.vconcat[0], first = pair.hconcat[0], second = pair.hconcat[1], third = spec.vconcat[1];
    var wide = width >= LINKED_WIDE, side = wide ? Math.round(width * {{ LINKED_SHARE }}) : width - {{ LINKED_EDGE }};
    first.width = width - {{ LINKED_EDGE }} - (wide ? side + {{ LINKED_GAP }} : 0);
    first.height = wide ? side : LINKED_HIGH;
    second.width = second.height = side;
    third.width = width - LINKED_MONTHS;
    spec.vconcat = wide ? [pair, third] : [first, second, third];
    spec.params.forEach(function (p) {
      if (p.name === "room") { p.value = width; }
      if (p.name === "bars") { p.value = first.width; }
      if (p.name === "side") { p.value = side; }
    });
  }

  // Shapes in metres are on the page once, in the drawings: "@2.5" is the fifth of the second path.
  function fill(key, value) {
    var at = key === "{{ SHAPE }}" && /^@(\d+)\.(\d+)$/.exec(value);
    return at ? "M" + document.getElementById("metres-" + at[1]).getAttribute("d").split("M")[at[2]] : value;
  }

  function draw(host) {
    var spec = JSON.parse(host.querySelector("script").textContent, fill);
    var live = host.querySelector(".live");
    var style = getComputedStyle(host);
    var room = Math.floor(host.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
    var linked = spec.usermeta && spec.usermeta.linked;
    resize(spec, Math.max({{ NARROWEST }}, Math.min(linked ? {{ WIDEST_LINKED }} : {{ WIDEST }}, room)));
    return vegaEmbed(live, spec, {
      mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
      logLevel: 1 // errors; a choice that no record meets has no extent, of which Vega would warn
    }).then(function (result) {
      var svg = live.querySelector("svg");
      // One image with one name: what is inside it is for the eye, and the table for everyone.
      svg.querySelectorAll("[role]").forEach(function (g) {
        g.removeAttribute("role");
        g.removeAttribute("aria-roledescription");
      });
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", host.querySelector(".static svg").getAttribute("aria-label"));
      live.hidden = false;
      host.classList.add("drawn");
      if (host.view) { host.view.finalize(); }
      host.view = result.view;
      if (linked) { link(host, spec, linked); }
    });
  }

  // ------------------------------------------------------------ the linked figure
  // One state: the stores of the two selections. A click, a drag and the controls write them;
  // the views, the controls and the sentence follow.
  function link(host, spec, known) {
    var chosen = host.chosen || (host.chosen = { pick: -1, from: known.held[0], to: known.held[known.held.length - 1] });
    var panel = host.panel || (host.panel = controls(host, known));
    var rows = spec.datasets[spec.data.name][0];
    var first = known.held[0], last = known.held[known.held.length - 1];

    function write() {
      var codes = [];
      for (var i = chosen.from; i <= chosen.to; i += 1) { codes.push(i); }
      var all = chosen.from === first && chosen.to === last;
      var unit = "controls";
      host.view.data("pick_store", chosen.pick < 0 ? [] : [
        { unit: unit, fields: [{ type: "E", field: "c" }], values: [chosen.pick] }]);
      host.view.data("brush_store", all ? [] : [
        { unit: unit, fields: [{ type: "E", field: "m", channel: "x" }], values: [codes] }]);
      host.view.run();
      say();
    }
    function say() {
      panel.category.value = chosen.pick;
      panel.from.value = chosen.from;
      panel.to.value = chosen.to;
      panel.said.textContent = sentence(rows, known, chosen);
    }
    host.choose = function (next) {
      Object.keys(next).forEach(function (k) { chosen[k] = next[k]; });
      write();
    };
    host.reset = function () { host.choose({ pick: -1, from: first, to: last }); };
    host.isReset = function () { return chosen.pick < 0 && chosen.from === first && chosen.to === last; };
    host.view.addSignalListener("pick", function (_, value) {
      var found = value && value.c ? value.c[0] : -1;
      if (found !== chosen.pick) { chosen.pick = found; say(); }
    });
    host.view.addSignalListener("brush", function (_, value) {
      var found = (value && value.m || []).filter(function (m) { return known.held.indexOf(m) >= 0; });
      chosen.from = found.length ? Math.min.apply(null, found) : first;
      chosen.to = found.length ? Math.max.apply(null, found) : last;
      say();
    });
    if (host.isReset()) { say(); } else { write(); }
  }

  function sentence(rows, known, chosen) {
    var crimes = 0, reports = 0, points = {}, most = 0;
    for (var i = 0; i < rows.n.length; i += 1) {
      var inside = rows.m[i] >= chosen.from && rows.m[i] <= chosen.to;
      if (!inside || (chosen.pick >= 0 && rows.c[i] !== chosen.pick)) { continue; }
      if (rows.c[i] === known.reports) { reports += rows.n[i]; } else { crimes += rows.n[i]; }
      // Crimes and reports are never added: the map counts reports only where they are chosen.
      if (chosen.pick < 0 && rows.c[i] === known.reports || rows.m[i] < known.since) { continue; }
      points[rows.p[i]] = (points[rows.p[i]] || 0) + rows.n[i];
      most = Math.max(most, points[rows.p[i]]);
    }
    function count(n, one) { return n.toLocaleString("en-GB") + " " + one + (n === 1 ? "" : "s"); }
    var counted = known.held.filter(function (m) { return m >= chosen.from && m <= chosen.to; }).length;
    var span = known.months[chosen.from];
    if (chosen.to !== chosen.from) {
      var end = known.months[chosen.to];
      span = (span.slice(-4) === end.slice(-4) ? span.slice(0, -5) : span) + " to " + end;
    }
    var what = chosen.pick < 0 ? "All categories" : known.categories[chosen.pick];
    var parts = [];
    if (chosen.pick !== known.reports) { parts.push(count(crimes, "crime")); }
    if (chosen.pick < 0 || chosen.pick === known.reports) { parts.push(count(reports, "report") + " of anti-social behaviour"); }
    var there = Object.keys(points).length;
    return what + ", " + span + " (" + count(counted, "month") + " counted): " + parts.join(" and ") +
      (there ? (chosen.from < known.since ? "; from " + known.months[known.since] + " on" : "") + ", at " + count(there, "map point") + (known.streets ? "; the most at one is " : "; the largest circle stands for ") + count(most, chosen.pick === known.reports ? "report" : "crime") : "") + ".";
  }

  function controls(host, known) {
    var box = make("div", { "class": "controls", role: "group", "aria-label": "Choose what the figure counts" });
    var panel = { said: make("p", { "class": "said", "aria-live": "polite" }) };
    function select(key, label, options) {
      var id = host.getAttribute("data-chart") + "-" + key, field = make("div", {});
      var list = panel[key] = make("select", { id: id });
      field.appendChild(make("label", { "for": id }, label));
      options.forEach(function (o) { list.appendChild(make("option", { value: o[0] }, o[1])); });
      field.appendChild(list);
      box.appendChild(field);
    }
    var months = known.held.map(function (m) { return [m, known.months[m]]; });
    select("category", "Category", [[-1, "All categories"]].concat(
      known.categories.map(function (label, i) { return [i, label]; })));
    select("from", "From", months);
    select("to", "To", months);
    var reset = make("button", { type: "button" }, "Reset");
    box.appendChild(reset);
    panel.category.addEventListener("change", function () { host.choose({ pick: +panel.category.value }); });
    panel.from.addEventListener("change", function () {
      host.choose({ from: +panel.from.value, to: Math.max(+panel.from.value, +panel.to.value) });
    });
    panel.to.addEventListener("change", function () {
      host.choose({ to: +panel.to.value, from: Math.min(+panel.from.value, +panel.to.value) });
    });
    reset.addEventListener("click", function () { host.reset(); });
    document.addEventListener("keydown", function (event) {
      if (event.key === "Escape" && host.reset && !host.isReset()) { host.reset(); }
    });
    host.insertBefore(panel.said, host.firstChild);
    host.insertBefore(box, host.firstChild);
    return panel;
  }

  // -------------------------------------------------------------------- the page
  // As text and as HTML: Word and e-mail take the table as a table.
  document.querySelectorAll("[data-copy]").forEach(function (button) {
    if (!navigator.clipboard || !window.ClipboardItem) { return; }
    button.hidden = false;
    button.addEventListener("click", function () {
      var source = document.getElementById(button.getAttribute("data-copy"));
      var forms = { "text/html": source.innerHTML, "text/plain": source.innerText };
      Object.keys(forms).forEach(function (kind) { forms[kind] = new Blob([forms[kind]], { type: kind }); });
      navigator.clipboard.write([new ClipboardItem(forms)]).then(
        function () { button.textContent = "Copied"; }, function () { button.textContent = "Copying failed"; });
    });
  });
  // Open beside the report; older browsers keep them folded, whatever the style says.
  var contents = document.querySelector(".contents details"), wide = window.matchMedia("(min-width: 68.75em)");
  function unfold() { contents.open = wide.matches; }
  wide.addEventListener("change", unfold);
  unfold();
  function width() { return document.documentElement.clientWidth; }
  var last = width(), timer = 0;
  var seen = "IntersectionObserver" in window ? new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
    });
  }, { rootMargin: "600px" }) : null;
  function all() { hosts.forEach(function (h) { if (seen) { seen.observe(h); } else { draw(h); } }); }
  window.addEventListener("resize", function () {
    if (width() === last) { return; }
    last = width();
    clearTimeout(timer);
    timer = setTimeout(all, 200);
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.fold").forEach(function (d) { d.open = true; });
  });
  // Vega measures its texts: the page's face must be there before it does.
  var faces = document.fonts ? [document.fonts.load("14px 'Report Sans'"), document.fonts.load("bold 14px 'Report Sans'")] : [];
  Promise.all(faces).then(all, all);
})();
