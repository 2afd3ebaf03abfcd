#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Papers by hand, by the real commands: every sample becomes a PDF that says what its content says, and a paper that is refused
leaves no file."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from network import BIN, Checks  # noqa: E402


def juki(*words, language="C.UTF-8"):
    return subprocess.run([BIN / "juki", "paper", *words], capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "LC_ALL": language})


def texts_of(value):
    """Every text of a content that the paper itself must show, in short pieces: lines may break anywhere."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("form", "verification", "issuer_seal", "sex") and not key.endswith(("_on", "_date", "_since")):
                yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)
    elif isinstance(value, str) and not value[:4].isdigit():
        yield value.split("　")[0][:6]


def every_sample(checks, folder):
    forms = [line.split()[0] for line in juki("list").stdout.splitlines()]
    checks.check("there are twelve papers", len(forms) == 12, forms)
    for form in forms:
        content, pdf = folder / "content.json", folder / f"{form}.pdf"
        content.write_text(juki("sample", "--form", form).stdout, encoding="utf-8")
        made = juki("make", "--form", form, "--content", str(content), "--output", str(pdf))
        checks.check(f"{form} is made", made.returncode == 0 and pdf.exists(), made.stderr)
        if not pdf.exists():
            continue
        said = subprocess.run(["pdftotext", "-raw", str(pdf), "-"], capture_output=True, text=True, check=False).stdout
        said = "".join(said.split())
        missing = [t for t in texts_of(json.loads(content.read_text(encoding="utf-8"))) if "".join(t.split()) not in said]
        checks.check(f"{form} says its content", not missing, missing)
        checks.check(f"{form} is for its owner's eyes", pdf.stat().st_mode & 0o77 == 0)


def refusals(checks, folder):
    content, pdf = folder / "content.json", folder / "refused.pdf"
    sample = json.loads(juki("sample", "--form", "wide_area_certificate").stdout)
    words = ("make", "--content", str(content), "--output", str(pdf))
    cases = {
        "a character the font lacks": ({"address": "辻\U000e0100町"}, "この文字はフォントで正確に印刷できません"),
        "an item nobody asked for": ({"with_relationship": False}, "請求のない事項です"),
        "a field the paper has not": ({"honseki": "西宮市"}, "この様式にない項目です"),
        "no address": ({"address": None}, "必須の項目がありません"),
        "another paper": ({"form": "diary"}, "その様式はありません"),
    }
    for what, (change, says) in cases.items():
        content.write_text(json.dumps({**sample, **change}), encoding="utf-8")
        made = juki(*words, language="ja_JP.UTF-8")
        checks.check(f"{what} is refused", made.returncode == 1 and says in made.stderr, made.stderr)
    content.write_text("{", encoding="utf-8")
    checks.check("what is no JSON is refused", juki(*words).returncode == 1)
    content.write_text(json.dumps({**sample, "address": "辻\U000e0100町"}), encoding="utf-8")
    seal = juki(*words, "--seal", "/nonexistent.png")
    checks.check("a seal that is not there is said", seal.returncode == 2 and "/nonexistent.png" in seal.stderr, seal.stderr)
    checks.check("nothing refused leaves a file", not pdf.exists())
    replaced = juki(*words, "--replace", "--copy-ground")
    checks.check("what may be replaced is printed", replaced.returncode == 0 and pdf.exists(), replaced.stderr)


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="juki-paper-") as made:
        every_sample(checks, pathlib.Path(made))
        refusals(checks, pathlib.Path(made))
    checks.end()


main()
