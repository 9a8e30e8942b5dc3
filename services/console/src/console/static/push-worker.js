// Shows that something waits, and nothing else: what comes from the push service is empty. It keeps nothing and
// answers no request of a page.
"use strict";
self.addEventListener("push", function (event) {
  var spanish = navigator.language.slice(0, 2) === "es";
  event.waitUntil(self.registration.showNotification(spanish ? "Información" : "Information", {
    body: spanish ? "Hay algo nuevo." : "There is something new.", tag: "new", renotify: true
  }));
});
self.addEventListener("notificationclick", function (event) {
  event.notification.close();
  event.waitUntil(self.clients.openWindow("/console"));
});
