"""The isolation of untrusted code: a student's cells run in another process, locked down in layers.

::

    with Sandbox.start(readable=[course.root / "data"]) as sandbox:
        worker = sandbox.spawn(Limits(cpu_seconds=60))
        outcome = worker.run_cell("def double(x): return 2 * x")
        double = worker.names(["double"])["double"]
        assert double(21) == 42
        usage = worker.close()
"""
