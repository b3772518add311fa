"""What goes into packages beside the programs: bills of material, man pages, completion. The packages themselves: tests/packages/run."""
import hashlib
import json
import pathlib
import re
import shutil
import subprocess

import pytest
from harness import PARLEYCTL, PARLEYD, PLUGIN

pytestmark = pytest.mark.profile("embedded")
ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(PARLEYD).parents[1]


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.parametrize("program", [PLUGIN, PARLEYD, PARLEYCTL], ids=["plugin", "parleyd", "parleyctl"])
def test_a_bill_of_materials_names_files_and_what_they_link(tmp_path, program):
    tree = tmp_path / "tree"
    tree.mkdir()
    shutil.copy(program, tree)
    made = tmp_path / "sbom.json"
    output(ROOT / "tools/sbom", "--tree", tree, "--name", "parley-x", "--version", "1.2.3", "--build", BUILD, "--output", made)
    document = json.loads(made.read_text())
    # SPDX 2.3, §6-11: what must be there.
    assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0" and document["SPDXID"] == "SPDXRef-DOCUMENT"
    assert document["name"] and document["documentNamespace"].startswith("https://") and "#" not in document["documentNamespace"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    assert all(re.fullmatch(r"(Tool|Person|Organization): .+", each) for each in document["creationInfo"]["creators"])
    elements = document["packages"] + document["files"]
    ids = [element["SPDXID"] for element in elements]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in ids)
    for package in document["packages"]:
        assert package["name"] and package["versionInfo"] and package["downloadLocation"] and isinstance(package["filesAnalyzed"], bool)
    relations = {(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in document["relationships"]}
    assert all(one in (*ids, "SPDXRef-DOCUMENT") and other in ids for one, _, other in relations)
    assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Package-parley-x") in relations
    (file,) = document["files"]
    sums = {sum["algorithm"]: sum["checksumValue"] for sum in file["checksums"]}
    content = pathlib.Path(program).read_bytes()
    assert sums == {"SHA1": hashlib.sha1(content).hexdigest(), "SHA256": hashlib.sha256(content).hexdigest()}
    assert document["packages"][0]["packageVerificationCode"]["packageVerificationCodeValue"] == hashlib.sha1(sums["SHA1"].encode()).hexdigest()
    # And what must be true.
    linked = {other: kind for one, kind, other in relations if one == "SPDXRef-Package-parley-x"}
    assert linked["SPDXRef-Package-libc6"] == "DYNAMIC_LINK"
    assert linked["SPDXRef-Package-nlohmann-json3-dev"] == "STATIC_LINK"
    assert ("SPDXRef-Package-libcli11-dev" in linked) == (program != PLUGIN)
    versions = {package["name"]: package["versionInfo"] for package in document["packages"][1:]}
    for name, version in versions.items():
        assert version in output("dpkg-query", "-W", "-f", "${Version}\n", name).splitlines()
    assert not [name for name in versions if "gtest" in name or "gmock" in name or "node" in name]


def test_the_plugins_page_has_every_option():
    page = output(ROOT / "tools/packages/describe", "plugin", "--version", "1", ROOT / "README.md").replace(r"\-", "-")
    code = (ROOT / "plugin/broker/options.cc").read_text()
    options = set(re.findall(r'^ {6}\{"([a-z_0-9]+)", ', code, re.M))
    assert len(options) > 20
    documented = {name for line in re.findall(r"^\.B ([a-z_0-9, ]+)$", page, re.M) for name in line.split(", ")}
    assert options <= documented, f"not in README's table: {sorted(options - documented)}"


@pytest.mark.parametrize("program,section", [(PARLEYD, 8), (PARLEYCTL, 1)], ids=["parleyd", "parleyctl"])
def test_pages_and_completion_have_every_command_and_option(program, section):
    name = pathlib.Path(program).name
    page = output(ROOT / "tools/packages/describe", "man", "--section", str(section), program).replace(r"\-", "-")
    assert re.search(rf"^\.SH NAME\n{name} - \S", page, re.M)
    completion = output(ROOT / "tools/packages/describe", "bash", program)
    help_text = output(program, "--help")
    options = set(re.findall(r"^  .*?(--[a-z][a-z-]*)", help_text.partition("Options:")[2].partition("Subcommands:")[0], re.M))
    commands = set(re.findall(r"^  ([a-z][a-z-]*) ", help_text.partition("Subcommands:")[2].partition("\n\n")[0], re.M))
    assert options and commands
    for each in options | commands:
        assert each in page, each
        assert re.search(rf"[ ']{each}[ ']", completion), each
    script = f"{completion}\nCOMP_WORDS=({name} --co) COMP_CWORD=1; _{name}; echo \"${{COMPREPLY[@]}}\""
    assert output("bash", "-euc", script).split() == ["--config"]
