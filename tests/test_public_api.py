"""The public names, and that each says what it gives."""

import inspect

import crimenb


def test_all_is_sorted_and_exact():
    assert crimenb.__all__ == sorted(crimenb.__all__)
    assert dir(crimenb) == crimenb.__all__


def test_every_public_name_is_documented():
    for name in crimenb.__all__:
        thing = getattr(crimenb, name)
        assert inspect.getdoc(thing), name
        if inspect.isfunction(thing):
            assert inspect.signature(thing).return_annotation is not inspect.Signature.empty, name


def test_no_public_name_hides_a_module():
    """`crimenb.x` must not be a function or a module, depending on what was imported first."""
    from pathlib import Path

    modules = {p.stem for p in Path(crimenb.__file__).parent.glob("*.py")}
    assert not modules & set(crimenb.__all__)
