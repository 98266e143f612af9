// Modules and fonts of the widgets stand beside this file. Those in one bundle are told so, since they look for
// the fonts where they think that they are.
require.config({
  baseUrl: new URL(".", document.currentScript.src).href,
  paths: {
    "@jupyter-widgets/base": "base",
    "@jupyter-widgets/controls": "controls",
    "@jupyter-widgets/output": "output",
    "@jupyter-widgets/html-manager": "html-manager",
    "@jupyter-widgets/html-manager/dist/libembed-amd": "libembed-amd",
  },
});
