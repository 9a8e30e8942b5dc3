// Only makes faster what works without it. The quick exit empties the screen before any answer comes, takes
// the page's place in the history, and listens to Escape pressed three times.
(function () {
  "use strict";
  var tell = function () {};
  function leave(form) {
    tell(0);
    var body = new URLSearchParams(new FormData(form));
    document.title = "";
    document.body.textContent = "";
    fetch(form.action, { method: "POST", body: body, redirect: "manual", credentials: "same-origin" })
      .finally(function () { location.replace("/"); });
  }
  document.addEventListener("submit", function (event) {
    if (!event.target.matches("form.leave")) return;
    event.preventDefault();
    leave(event.target);
  });
  var pressed = [];
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { pressed = []; return; }
    pressed.push(event.timeStamp);
    var form = document.querySelector("form.leave");
    if (form && pressed.length >= 3 && event.timeStamp - pressed[pressed.length - 3] < 3000) leave(form);
  });
  document.querySelectorAll("textarea[data-most]").forEach(function (area) {
    var said = document.createElement("p");
    said.className = "govuk-hint";
    function count() { said.textContent = area.value.length + " / " + area.dataset.most; }
    area.after(said);
    area.addEventListener("input", count);
    count();
  });
  document.querySelectorAll("input[type=file][data-most]").forEach(function (input) {
    var said = document.createElement("p");
    said.className = "govuk-error-message";
    said.setAttribute("role", "alert");
    said.textContent = input.dataset.says;
    input.addEventListener("change", function () {
      said.remove();
      if (!input.files[0] || input.files[0].size <= input.dataset.most * 1048576) return;
      input.value = "";
      input.before(said);
    });
  });
  // A text to copy and a page to print get a button; without a script they are marked and printed by hand.
  function offer(place, words, act) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "govuk-button govuk-button--secondary";
    button.textContent = words;
    button.addEventListener("click", act);
    place(button);
  }
  document.querySelectorAll("textarea[data-copy]").forEach(function (area) {
    offer(function (button) { area.after(button); }, area.dataset.copy, function () {
      area.select();
      navigator.clipboard.writeText(area.value).catch(function () {});
    });
  });
  document.querySelectorAll("[data-print]").forEach(function (part) {
    offer(function (button) { part.prepend(button); }, part.dataset.print, function () { print(); });
  });
  // What a worker has in hand is looked at again every two seconds for a minute, not longer: nobody stays
  // signed in by that. Once it is done the page is loaded anew.
  function look(part, turns) {
    if (!part || !turns) return;
    setTimeout(function () {
      fetch(location.href, { credentials: "same-origin", redirect: "error" })
        .then(function (answer) { return answer.text(); })
        .then(function (text) {
          var next = new DOMParser().parseFromString(text, "text/html").getElementById(part.id);
          if (!next) { location.reload(); return; }
          part.replaceWith(next);
          look(next, turns - 1);
        }, function () { look(part, turns - 1); });
    }, 2000);
  }
  look(document.getElementById("at-work"), 30);
  // A screen that somebody left shows nobody once the session is over, or is somebody else's. What was typed is only
  // covered, and shown again to the same person. No request asks whether it is over, for each would make it last: tabs
  // tell each other, and a page without a script that signs them out has the browser forget the mark that says so.
  // Whoever types is at work, and stays signed in. Where nobody knows who sent what a session no longer takes, it is
  // empty after a while, for nobody could show it to them alone.
  function watch(told) {
    var who = told.dataset.who, typed = "typed" in told.dataset, touched = 0, until = 0;
    var marks = false, ended = false;
    var over = told.content.querySelector(".over"), said = over.querySelector("[role=alert]");
    var tabs = "BroadcastChannel" in window ? new BroadcastChannel("ruta-session") : null;
    function lasts(seconds) {
      until = Math.max(until, Date.now() + seconds * 1000);
      try { localStorage.setItem("ruta-in", "yes"); marks = true; } catch (refused) { marks = false; }
    }
    function forgotten() {
      try { return marks && !localStorage.getItem("ruta-in"); } catch (refused) { return false; }
    }
    function end() {
      if (ended) return;
      ended = true;
      until = 0;
      var kept = typed && document.querySelector("main input:not([type=hidden]), main select, main textarea, main [data-kept]");
      if (!kept) document.body.textContent = "";
      over.querySelector(kept ? ".over__open" : ".over__kept").hidden = true;
      document.body.classList.add("covered");
      document.body.appendChild(over);
      over.querySelector("h1").focus();
    }
    function show() {
      ended = false;
      over.remove();
      document.body.classList.remove("covered");
    }
    function ask(same) {
      said.textContent = "";
      fetch("/session", { credentials: "same-origin" })
        .then(function (answer) { return answer.ok ? answer.json() : {}; })
        .then(function (found) {
          if (found.sign_in_name !== who) { said.textContent = said.dataset.says; return; }
          lasts(found.idle_in);
          tell(found.idle_in);
          same();
        }, function () {});
    }
    tell = function (seconds) { if (tabs) tabs.postMessage({ who: who, seconds: seconds }); };
    if (tabs) tabs.onmessage = function (event) {
      if (!event.data.seconds || (who && event.data.who !== who)) end(); else if (who) lasts(event.data.seconds);
    };
    document.addEventListener("input", function () { typed = true; touched = Date.now(); });
    over.querySelector("button").addEventListener("click", function () { ask(show); });
    setInterval(function () {
      var left = until - Date.now();
      if (left <= 0 || forgotten()) end();
      else if (left < 60000 && Date.now() - touched < 60000) ask(function () {});
    }, 5000);
    lasts(Number(told.dataset.seconds));
    if (who) tell(Number(told.dataset.seconds));
  }
  var told = document.getElementById("over");
  if (told && told.content) watch(told);
  // What answers a form and is shown once gives its place in the history to the page that it belongs to: neither Back
  // nor a reload sends the form again.
  var once = document.body.dataset.shownOnce;
  if (once) history.replaceState(null, "", once);
  // A page that comes back from the browser's memory is asked for again: it may not be anybody's any more.
  window.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
})();
