// Its search wants a worker made of a blob, which the page's policy refuses; the browser's own finds, too.
window.addEventListener("load", function () {
  Redoc.init("/openapi.json", {
    disableSearch: true, hideDownloadButton: false, nativeScrollbars: true, sortTagsAlphabetically: true,
    pathInMiddlePanel: true, requiredPropsFirst: true
  }, document.getElementById("docs"));
});
