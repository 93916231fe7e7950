"""The cache that huggingface_hub makes of a small repository, for src/models/hub.

    python -m venv venv && venv/bin/pip install -r test/oracles/hub/requirements.txt
    venv/bin/python test/oracles/hub/hub_golden.py > test/golden/hub/cache.json

run in packages/quern. Serves the repository itself, on this machine; nothing else is asked. The same version prints the
same file: the repository, and of each file in the cache the text, or what the link says.

    venv/bin/python test/oracles/hub/hub_golden.py check CACHE COMMIT

asks huggingface_hub, offline, for what `resolveModel` put into CACHE.
"""

import hashlib
import json
import os
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

repository = "owner/a.model_of-ours"
commit = "0123456789abcdef0123456789abcdef01234567"
# Name -> text, and whether it is kept outside of git.
files = {
    ".gitattributes": ("*.safetensors filter=lfs\n", False),
    "config.json": ('{"architectures": ["Qwen2ForCausalLM"]}\n', False),
    "model.safetensors": ("weights " * 10, True),
    "onnx/deep/model.onnx": ("other weights " * 10, True),
    "empty.txt": ("", False),
    "a name with blanks, ä and %41.json": ("{}", False),
    "same.safetensors": ("weights " * 10, True),
}


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pointer(content):
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n".encode()


def tree_entry(name):
    text, lfs = files[name]
    content = text.encode()
    entry = {"type": "file", "path": name, "size": len(content), "oid": git_sha1(content)}
    if lfs:
        entry["oid"] = git_sha1(pointer(content))
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 1}
    return entry


class Hub(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        api = f"/api/models/{repository}/"
        resolved = f"/{repository}/resolve/{commit}/"
        if path.startswith(api + "revision/"):
            siblings = [{"rfilename": name} for name in files]
            return self.reply(json.dumps({"id": repository, "sha": commit, "siblings": siblings}).encode(), {})
        if path.startswith(api + "tree/"):
            return self.reply(json.dumps([tree_entry(name) for name in files]).encode(), {})
        text, lfs = files[path.removeprefix(resolved)]
        content = text.encode()
        etag = hashlib.sha256(content).hexdigest() if lfs else git_sha1(content)
        self.reply(content, {"ETag": f'"{etag}"', "X-Repo-Commit": commit})

    def reply(self, content, headers):
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *args):
        pass


def check(cache, sha):
    os.environ.update(HF_HUB_CACHE=cache, HF_HUB_OFFLINE="1")
    from huggingface_hub import scan_cache_dir, snapshot_download

    found = scan_cache_dir()
    assert not found.warnings, found.warnings
    for repo in found.repos:
        folder = snapshot_download(repo.repo_id, local_files_only=True)
        assert Path(folder).name == sha, folder
        for revision in repo.revisions:
            print(repo.repo_id, revision.commit_hash, sorted(revision.refs), revision.nb_files, revision.size_on_disk)


def golden():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as cache:
        os.environ.update(
            HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
            HF_HUB_CACHE=cache,
            HF_HOME=cache + "/home",
            HF_HUB_DISABLE_TELEMETRY="1",
            HF_HUB_DISABLE_PROGRESS_BARS="1",
        )
        import huggingface_hub

        huggingface_hub.snapshot_download(repository)
        huggingface_hub.snapshot_download(repository, revision="refs/pr/1")
        root = Path(cache, "models--" + repository.replace("/", "--"))
        paths = sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file())
        tree = {
            path.relative_to(root).as_posix(): f"-> {os.readlink(path)}" if path.is_symlink() else path.read_text()
            for path in paths
        }
        made = {
            "by": f"huggingface_hub {huggingface_hub.__version__}",
            "repository": repository,
            "commit": commit,
            "files": {name: {"text": text, "lfs": lfs} for name, (text, lfs) in files.items()},
            "folder": root.name,
            "tree": tree,
        }
    print(json.dumps(made, indent=1, ensure_ascii=False))


if sys.argv[1:2] == ["check"]:
    check(*sys.argv[2:])
else:
    golden()
