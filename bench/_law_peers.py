"""New START's three counts in OpenFisca-core or policyengine-core; run by bench/law.py with the peers' interpreter.

An item row of a draw is a person, a party's force in a draw is a group of 60 of them, a counting rule is a formula
on items, a limit one on forces, and the bounds are parameters: what both projects' documentation asks for.
Usage: python _law_peers.py openfisca_core|policyengine_core INPUT.npz OUTPUT.npz
"""

import importlib
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PERIOD = "2020"
BOUNDS = {"deployed_systems": 700, "counted_warheads": 1550, "launchers_and_bombers": 800}
ICBM, SLBM, BOMBER, WARHEAD, ICBM_LAUNCHER, SLBM_LAUNCHER = range(6)


def system(core):
    """The tax and benefit system of the peer: two entities, the inputs, the rules, the limits."""

    def load(name):
        return importlib.import_module(f"{core}.{name}")

    build_entity, variable = load("entities").build_entity, load("variables").Variable
    year = load("periods").DateUnit.YEAR if core == "openfisca_core" else load("periods").YEAR
    item = build_entity(key="item", plural="items", label="a row of an inventory", is_person=True)
    roles = [{"key": "member", "plural": "members", "label": "member", "doc": "a row of the force"}]
    force = build_entity(key="force", plural="forces", label="a party's force in a draw", roles=roles)
    tbs = load("taxbenefitsystems").TaxBenefitSystem([item, force])
    with tempfile.TemporaryDirectory() as folder:
        for name, bound in BOUNDS.items():
            text = f"description: {name}\nvalues:\n  2018-02-05:\n    value: {bound}\n"
            Path(folder, f"{name}.yaml").write_text(text)
        tbs.load_parameters(folder)

    def given(name, kind):
        body = {"value_type": kind, "entity": item, "definition_period": year, "label": name}
        return type(name, (variable,), body)

    def counted(name, rule):
        def formula(items, period):
            return rule(lambda key: items(key, period))

        body = {
            "value_type": float,
            "entity": item,
            "definition_period": year,
            "label": name,
            "formula": formula,
        }
        return type(f"item_{name}", (variable,), body)

    def total(name):
        def formula(forces, period):
            return forces.sum(forces.members(f"item_{name}", period))

        body = {
            "value_type": float,
            "entity": force,
            "definition_period": year,
            "label": name,
            "formula": formula,
        }
        return type(name, (variable,), body)

    def margin(name):
        def formula(forces, period, parameters):
            return getattr(parameters(period), name) - forces(name, period)

        body = {
            "value_type": float,
            "entity": force,
            "definition_period": year,
            "label": name,
            "formula": formula,
        }
        return type(f"margin_{name}", (variable,), body)

    def deployed_systems(row):
        missile = ((row("kind") == ICBM) | (row("kind") == SLBM)) & row("deployed")
        bomber = (row("kind") == BOMBER) & row("deployed") & row("nuclear")
        return (missile | bomber) * row("quantity")

    def counted_warheads(row):
        bomber = (row("kind") == BOMBER) & row("deployed") & row("nuclear")
        return ((row("kind") == WARHEAD) | bomber) * row("quantity")

    def launchers_and_bombers(row):
        launcher = (row("kind") == ICBM_LAUNCHER) | (row("kind") == SLBM_LAUNCHER)
        bomber = (row("kind") == BOMBER) & row("nuclear")
        return (launcher | bomber) * (row("converted") == 0) * row("quantity")

    inputs = [("quantity", float), ("kind", int), ("deployed", bool), ("nuclear", bool), ("converted", bool)]
    tbs.add_variables(*(given(name, kind) for name, kind in inputs))
    for rule in (deployed_systems, counted_warheads, launchers_and_bombers):
        tbs.add_variables(counted(rule.__name__, rule), total(rule.__name__), margin(rule.__name__))
    return tbs, load("simulations").SimulationBuilder


def simulation(tbs, builder_class, data):
    """One force a draw, with every row's quantity and attributes set."""
    values = data["values"]
    draws, rows = values.shape
    builder = builder_class()
    builder.create_entities(tbs)
    builder.declare_person_entity("item", np.arange(values.size))
    forces = builder.declare_entity("force", np.arange(draws))
    builder.join_with_persons(forces, np.repeat(np.arange(draws), rows), np.repeat("member", values.size))
    made = builder.build(tbs)
    made.set_input("quantity", PERIOD, values.ravel())
    for name in ("kind", "deployed", "nuclear", "converted"):
        made.set_input(name, PERIOD, np.tile(data[name], draws))
    return made


def main():
    core, source, target = sys.argv[1:]
    data = np.load(source)
    tbs, builder = system(core)
    whole, counting, margins = [], [], {}
    for _ in range(3):
        start = time.perf_counter()
        made = simulation(tbs, builder, data)
        middle = time.perf_counter()
        margins = {name: np.asarray(made.calculate(f"margin_{name}", PERIOD)) for name in BOUNDS}
        end = time.perf_counter()
        whole.append(end - start)
        counting.append(end - middle)
    np.savez(target, **margins)
    print(json.dumps({"whole": min(whole), "counting": min(counting)}))


main()
