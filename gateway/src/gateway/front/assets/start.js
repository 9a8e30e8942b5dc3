window.addEventListener("load", function () {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json", dom_id: "#docs", deepLinking: true, tryItOutEnabled: true,
    displayRequestDuration: true, filter: true, docExpansion: "none", validatorUrl: null,
    persistAuthorization: false
  });
});
