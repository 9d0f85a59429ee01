// node python314.mjs WORK TREE [pytest arguments]
// Starts CPython with the checkout TREE mounted as /tree, and the packages in WORK as /site.
const [work, tree, ...args] = process.argv.slice(2);
const { loadPyodide } = await import(`${work}/node_modules/pyodide/pyodide.mjs`);
const python = await loadPyodide({
    env: {
        HOME: "/home/web_user",
        HYPOTHESIS_STORAGE_DIRECTORY: "/tmp/hypothesis",
        NO_MODULES: process.env.NO_MODULES,
        PYTHONDONTWRITEBYTECODE: "1",
    },
});
for (const [path, root] of [["/tree", tree], ["/site", `${work}/site`]]) {
    python.FS.mkdirTree(path);
    python.FS.mount(python.FS.filesystems.NODEFS, { root }, path);
}
python.globals.set("arguments", python.toPy(args));
try {
    process.exit(
        python.runPython(`
            import os, sys

            sys.path[:0] = ["/tree", "/tree/.ci", "/site"]
            os.chdir("/tree")
            import python314

            python314.main(arguments)
        `),
    );
} catch (error) {
    console.error(error.message); // with Python's traceback
    process.exit(1);
}
