import subprocess

import pytest

from headwater.tracking.git import GitError, git_state, without_credentials


def git(folder, *arguments, **options):
    identity = [
        "-c",
        "user.name=n",
        "-c",
        "user.email=e",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "init.defaultBranch=main",
    ]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, **options
    )


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    git(root, "init")
    (root / "train.py").write_text("lr = 0.1\n")
    (root / ".gitignore").write_text("generated.py\n")
    git(root, "add", ".")
    git(root, "commit", "-m", "first")
    return root


def head(root):
    return git(root, "rev-parse", "HEAD").stdout.decode().strip()


def nothing(root):
    return []


def test_a_clean_tree_is_its_commit(tree):
    found = git_state(tree, nothing)

    assert (found.commit, found.branch, found.remote) == (head(tree), "main", None)
    assert (found.is_dirty, found.diff, found.warnings) == (False, b"", ())


def test_the_patch_rebuilds_what_ran(tree, tmp_path):
    (tree / "train.py").write_text("lr = 0.2\n")
    (tree / "data.bin").write_bytes(bytes(range(256)))
    git(tree, "add", "data.bin")
    (tree / "new module.py").write_text("x = 'ü'\n")
    (tree / "generated.py").write_text("g = 1\n")
    (tree / "notes.txt").write_text("not imported\n")

    found = git_state(tree, lambda root: [root / "new module.py", root / "generated.py", root / "train.py"])

    assert found.is_dirty
    again = tmp_path / "again"
    git(tmp_path, "clone", tree, again)
    git(again, "apply", "-", input=found.diff)
    assert {p.name: p.read_bytes() for p in again.iterdir() if p.is_file()} == {
        p.name: p.read_bytes() for p in tree.iterdir() if p.is_file() and p.name != "notes.txt"
    }


def test_only_imported_untracked_files_make_a_tree_dirty(tree):
    (tree / "notes.txt").write_text("x")

    assert not git_state(tree, nothing).is_dirty
    assert git_state(tree, lambda root: [root / "notes.txt"]).is_dirty


def test_a_folder_below_the_root_is_enough(tree):
    (tree / "deep" / "er").mkdir(parents=True)

    assert git_state(tree / "deep" / "er", nothing).commit == head(tree)


def test_a_repository_without_commits_has_a_patch_from_nothing(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "a.py").write_text("a\n")
    git(tmp_path, "add", ".")

    found = git_state(tmp_path, nothing)

    assert (found.commit, found.branch, found.is_dirty) == (None, "main", True)
    assert b"+a" in found.diff


def test_a_detached_head_has_no_branch(tree):
    git(tree, "checkout", "--detach")

    assert (git_state(tree, nothing).branch, git_state(tree, nothing).commit) == (None, head(tree))


def test_a_huge_patch_is_left_out_with_a_warning(tree):
    (tree / "train.py").write_text("x" * 11_000_000)

    found = git_state(tree, nothing)

    assert found.is_dirty
    assert found.diff == b""
    assert "larger than" in found.warnings[0]


def test_no_repository_is_said(tmp_path):
    with pytest.raises(GitError, match="not a git repository"):
        git_state(tmp_path, nothing)


def test_no_git_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(GitError, match="git is not installed"):
        git_state(tmp_path, nothing)


def test_the_remote_has_no_credentials(tree):
    git(tree, "remote", "add", "origin", "https://me:secret@example.com/team/flights.git")

    assert git_state(tree, nothing).remote == "https://example.com/team/flights.git"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/x.git", "https://example.com/x.git"),
        ("https://ghp_token@example.com:8443/x", "https://example.com:8443/x"),
        ("ssh://git:pw@example.com/x", "ssh://git@example.com/x"),
        ("git@example.com:team/x.git", "git@example.com:team/x.git"),
        ("/srv/git/x", "/srv/git/x"),
    ],
)
def test_credentials_are_taken_out(url, shown):
    assert without_credentials(url) == shown


def test_the_index_is_not_touched(tree):
    (tree / "train.py").write_text("lr = 0.3\n")
    before = (tree / ".git" / "index").stat().st_mtime_ns

    git_state(tree, nothing)

    assert (tree / ".git" / "index").stat().st_mtime_ns == before
