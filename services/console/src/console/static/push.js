// Of the page of own channels: this browser is told where it is reached, and the form sends that like any other.
// Without script, without permission or without a push service the page says so and mail remains.
(function () {
  "use strict";
  var form = document.getElementById("push-form");
  if (!form) return;
  var said = document.getElementById("push-said");
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return;
  form.hidden = false;
  document.getElementById("push-without").hidden = true;
  function bytes(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (sign) { return sign.charCodeAt(0); });
  }
  function put(name, value) { form.elements[name].value = value; }
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    said.textContent = "";
    Notification.requestPermission().then(function (answer) {
      if (answer !== "granted") throw new Error("refused");
      return navigator.serviceWorker.register(form.dataset.worker, { scope: form.dataset.scope });
    }).then(function () {
      return navigator.serviceWorker.ready;
    }).then(function (registration) {
      return registration.pushManager.subscribe({
        userVisibleOnly: true, applicationServerKey: bytes(form.dataset.key)
      });
    }).then(function (subscription) {
      var found = subscription.toJSON();
      put("push/endpoint", found.endpoint);
      put("push/keys/p256dh", found.keys.p256dh);
      put("push/keys/auth", found.keys.auth);
      form.submit();
    }).catch(function (error) {
      said.textContent = form.dataset[error.message === "refused" ? "refused" : "failed"];
      said.focus();
    });
  });
})();
