// Where the widgets' modules are: beside this file, and nowhere else.
require.config({ paths: { anywidget: new URL("anywidget", document.currentScript.src).href } });
