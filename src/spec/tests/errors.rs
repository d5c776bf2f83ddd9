//! Every way in which a spec can be wrong, and the sentence that says so.

use super::*;

fn error_with(text: &str, sets: &[&str]) -> String {
    match parse_with(text, sets) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("this was taken: {sets:?}\n{text}"),
    }
}

/// The sentence after changing one line of the base spec.
fn changed(from: &str, to: &str) -> String {
    error_with(&base_with(from, to), &[])
}

/// The sentence after adding to the base spec, whose own last line is 27.
fn added(more: &str) -> String {
    error_with(&base_and(more), &[])
}

fn set(setting: &str) -> String {
    error_with(BASE, &[setting])
}

#[test]
fn unknown_keys_name_the_nearest_one_the_line_and_what_is_accepted() {
    assert_eq!(
        changed("tasks = 3", "taks = 3"),
        "spec.toml:10: the task family `shuffled-labels` takes no key `taks`; did you mean `tasks`? It takes \
         family, tasks, examples, examples_from, steps, epochs, batch_size, drop_last, order, head, \
         transition, transition_steps, scaling_shock."
    );
    assert_eq!(
        changed("learning_rate = 1e-3", "lr = 1e-3"),
        "spec.toml:27: the optimizer `adam` takes no key `lr`; did you mean `learning_rate`? It takes name, \
         learning_rate, beta1."
    );
    assert_eq!(
        changed("scaling = \"unit\"", "zoom = 2"),
        "spec.toml:6: [data] takes no key `zoom`. It takes dataset, scaling, augmentation."
    );
    assert_eq!(
        changed("[network]", "[netwrok]"),
        "spec.toml:16: the spec takes no key `netwrok`; did you mean `network`? It takes name, source, data, \
         environment, stream, agent, diagnostic, network, activation, optimizer, method, critic, evaluation, probes, grid, \
         variants, tune."
    );
    assert_eq!(
        changed("{ name = \"tail-slope\", bound = 0.5 }", "{ name = \"none\", bound = 0.5 }"),
        "spec.toml:23: the constraint `none` takes no key `bound`. It takes name."
    );
    assert_eq!(
        added("[probes]\nname = []\n"),
        "spec.toml:29: [probes] takes no key `name`; did you mean `names`? It takes names, samples, plasticity_gap, \
         retention."
    );
    assert_eq!(
        added("[grid]\n\"optimiser.learning_rate\" = [1]\n"),
        "spec.toml:29: [grid] takes no key `optimiser.learning_rate`; did you mean `optimizer`? It takes data, \
         environment, stream, agent, diagnostic, network, activation, optimizer, method, critic, evaluation, probes, seeds. Dotted keys too, as in \
         \"optimizer.learning_rate\"."
    );
    assert_eq!(
        added("[[variants]]\nseeds = 3\n"),
        "spec.toml:29: a variant takes no key `seeds`. It takes data, environment, stream, agent, diagnostic, \
         network, activation, optimizer, method, critic, evaluation, probes. Dotted keys too, as in \"optimizer.learning_rate\". Seeds come from [grid] or --seeds."
    );
}

#[test]
fn unknown_names_and_words_likewise() {
    assert_eq!(
        changed("name = \"rational\"", "name = \"ratoinal\""),
        "spec.toml:21: activation.name = \"ratoinal\" is not known; did you mean `rational`? Known are relu, \
         leaky_relu, rational."
    );
    assert_eq!(
        changed("{ name = \"tail-slope\", bound = 0.5 }", "\"tail_slope\""),
        "spec.toml:23: activation.constraint.name = \"tail_slope\" is not known; did you mean `tail-slope`? \
         Known are none, tail-slope, freeze-after."
    );
    assert_eq!(
        changed("dataset = \"mnist\"", "dataset = \"imagenet\""),
        "spec.toml:5: data.dataset = \"imagenet\" is not known. Known are mnist, generated-digits."
    );
    assert_eq!(
        changed("scaling = \"unit\"", "scaling = \"units\""),
        "spec.toml:6: data.scaling = \"units\" is not known; did you mean `unit`? Known are unit, symmetric, \
         standardize."
    );
    assert_eq!(
        changed("start = \"gelu\"", "start = \"glue\""),
        "spec.toml:22: activation.start = \"glue\" is not known; did you mean `gelu`? Known are relu, gelu, \
         leaky_relu."
    );
    assert_eq!(
        changed("order = \"fixed\"", "order = \"random\""),
        "spec.toml:14: stream.order = \"random\" is not known. Known are reshuffled, fixed."
    );
    assert_eq!(
        added("[probes]\nnames = [\n  \"srank\",\n  \"rank\",\n]\n"),
        "spec.toml:31: probes.names = \"rank\" is not known; did you mean `srank`? Known are srank, dead_units, \
         curvature."
    );
    let catalogue = Catalogue { sections: vec![], ..catalogue() };
    assert_eq!(
        Spec::parse(BASE, "spec.toml", &[], &catalogue).unwrap_err().to_string(),
        "spec.toml:5: data.dataset = \"mnist\" is not known. This build knows none."
    );
}

#[test]
fn values_of_the_wrong_type() {
    for (from, to, sentence) in [
        ("name = \"bench\"", "name = 3", "spec.toml:1: name must be a text, not 3."),
        ("tasks = 3", "tasks = \"3\"", "spec.toml:10: stream.tasks must be an integer, not the text \"3\"."),
        (
            "tasks = 3",
            "tasks = 3e4",
            "spec.toml:10: stream.tasks must be an integer (write 30000), not 30000.0.",
        ),
        ("tasks = 3", "tasks = 2.5", "spec.toml:10: stream.tasks must be an integer, not 2.5."),
        ("tasks = 3", "tasks = [3]", "spec.toml:10: stream.tasks must be an integer, not a list."),
        (
            "tasks = 3",
            "tasks = 2020-01-01",
            "spec.toml:10: stream.tasks must be an integer, not the date 2020-01-01.",
        ),
        ("order = \"fixed\"", "order = true", "spec.toml:14: stream.order must be a text, not true."),
        ("hidden = [8, 8]", "hidden = 8", "spec.toml:18: network.hidden must be a list of integers, not 8."),
        (
            "hidden = [8, 8]",
            "hidden = [8, 8.5]",
            "spec.toml:18: network.hidden[1] must be an integer, not 8.5.",
        ),
        (
            "start = \"gelu\"",
            "start = 1",
            "spec.toml:22: activation.start must be one of relu, gelu, leaky_relu, not 1.",
        ),
        ("start = \"gelu\"", "shared = 1", "spec.toml:22: activation.shared must be true or false, not 1."),
        (
            "start = \"gelu\"",
            "degrees = [5, 4, 3]",
            "spec.toml:22: activation.degrees must be a list of 2 integers, not a list of 3.",
        ),
        (
            "{ name = \"tail-slope\", bound = 0.5 }",
            "[]",
            "spec.toml:23: activation.constraint must be a name or a table with a name, not an empty list.",
        ),
        (
            "learning_rate = 1e-3",
            "learning_rate = \"1e-3\"",
            "spec.toml:27: optimizer.learning_rate must be a number, not the text \"1e-3\".",
        ),
    ] {
        assert_eq!(changed(from, to), sentence);
    }
    for (more, sentence) in [
        (
            "[probes]\nnames = \"srank\"\n",
            "spec.toml:29: probes.names must be a list of names, not the text \"srank\".",
        ),
        ("[probes]\nnames = [1]\n", "spec.toml:29: probes.names must be a list of names, not 1."),
        (
            "[probes]\nplasticity_gap = 1\n",
            "spec.toml:29: probes.plasticity_gap must be true or false, not 1.",
        ),
        (
            "[grid]\n\"stream.tasks\" = 3\n",
            "spec.toml:29: grid.stream.tasks must be a list of values, one for each run, not 3.",
        ),
        (
            "[grid]\nactivation = []\n",
            "spec.toml:29: grid.activation must be a list of values, one for each run, not an empty list.",
        ),
        (
            "[grid]\nseeds = 1.5\n",
            "spec.toml:29: grid.seeds must be a text as in \"0..5\", a whole number, or a list of them, not 1.5.",
        ),
        (
            "[grid]\nseeds = []\n",
            "spec.toml:29: grid.seeds must be a text as in \"0..5\", a whole number, or a list of them, not an empty list.",
        ),
        (
            "[grid]\nseeds = [true]\n",
            "spec.toml:29: grid.seeds must be a text as in \"0..5\", a whole number, or a list of them, not true.",
        ),
        (
            "[variants]\na = 1\n",
            "spec.toml:28: variants must be tables, each headed by [[variants]], not a table.",
        ),
    ] {
        assert_eq!(added(more), sentence);
    }
    for (line, sentence) in [
        ("grid = 3", "spec.toml:1: grid must be a table, not 3."),
        ("grid = [3]", "spec.toml:1: grid must be a table, not a list."),
        (
            "variants = []",
            "spec.toml:1: variants must be tables, each headed by [[variants]], not an empty list.",
        ),
        ("variants = [1]", "spec.toml:1: variants must be tables, each headed by [[variants]], not 1."),
        ("probes = 'srank'", "spec.toml:1: probes must be a table, not the text \"srank\"."),
    ] {
        assert_eq!(error_with(&format!("{line}\n{BASE}"), &[]), sentence);
    }
}

#[test]
fn numbers_that_make_no_sense() {
    for (from, to, sentence) in [
        ("tasks = 3", "tasks = 0", "stream.tasks = 0 is out of range: it must be between 1 and 1000000."),
        ("tasks = 3", "tasks = -1", "stream.tasks = -1 is out of range: it must be between 1 and 1000000."),
        (
            "examples = 100",
            "examples = 0",
            "stream.examples = 0 is out of range: it must be between 1 and 1000000000.",
        ),
        ("steps = 20", "steps = 0", "stream.steps = 0 is out of range: it must be between 1 and 1000000000."),
        (
            "steps = 20",
            "epochs = 0",
            "stream.epochs = 0 is out of range: it must be between 1 and 1000000000.",
        ),
        (
            "batch_size = 4",
            "batch_size = 0",
            "stream.batch_size = 0 is out of range: it must be between 1 and 1000000000.",
        ),
        (
            "hidden = [8, 8]",
            "hidden = [8, 0]",
            "network.hidden[1] = 0 is out of range: it must be between 1 and 4096.",
        ),
        ("start = \"gelu\"", "groups = 0", "activation.groups = 0 is out of range: it must be at least 1."),
        (
            "start = \"gelu\"",
            "learning_rate = 0",
            "activation.learning_rate = 0 is out of range: it must be greater than 0.",
        ),
        (
            "bound = 0.5",
            "bound = -1",
            "activation.constraint.bound = -1 is out of range: it must be between 0 and 1e6.",
        ),
        (
            "learning_rate = 1e-3",
            "learning_rate = -1e-4",
            "optimizer.learning_rate = -1e-4 is out of range: it must be a finite number of at least 0.",
        ),
        (
            "learning_rate = 1e-3",
            "learning_rate = nan",
            "optimizer.learning_rate = NaN is out of range: it must be a finite number of at least 0.",
        ),
        (
            "learning_rate = 1e-3",
            "learning_rate = inf",
            "optimizer.learning_rate = inf is out of range: it must be a finite number of at least 0.",
        ),
        (
            "learning_rate = 1e-3",
            "learning_rate = 1e999",
            "optimizer.learning_rate = inf is out of range: it must be a finite number of at least 0.",
        ),
    ] {
        let found = changed(from, to);
        assert_eq!(found.split_once(": ").unwrap().1, sentence, "{found}");
    }
    assert!(added("[probes]\nsamples = 0\n").starts_with("spec.toml:29: probes.samples = 0 is out of range"));
}

#[test]
fn what_has_no_default_is_asked_for() {
    let without = |line: &str| changed(&format!("{line}\n"), "");
    assert_eq!(
        without("name = \"bench\""),
        "spec.toml: the spec lacks the key `name`: write for example name = \"my-benchmark\"."
    );
    assert_eq!(
        without("dataset = \"mnist\""),
        "spec.toml:4: [data] lacks the key `dataset`: write for example [data] dataset = \"mnist\"."
    );
    assert_eq!(
        without("family = \"shuffled-labels\""),
        "spec.toml:8: [stream] lacks the key `family`: name one of shuffled-labels, permuted-pixels, split-classes."
    );
    assert_eq!(
        without("tasks = 3"),
        "spec.toml:8: [stream] lacks the key `tasks`: write for example tasks = 50."
    );
    assert_eq!(
        without("steps = 20"),
        "spec.toml:8: [stream] lacks the key `steps`: give the length of a task as steps or as epochs."
    );
    assert_eq!(
        without("batch_size = 4"),
        "spec.toml:8: [stream] lacks the key `batch_size`: write for example batch_size = 16."
    );
    assert_eq!(
        without("kind = \"mlp\""),
        "spec.toml:16: [network] lacks the key `kind`: name one of mlp, linear."
    );
    assert_eq!(
        without("name = \"rational\""),
        "spec.toml:20: [activation] lacks the key `name`: name one of relu, leaky_relu, rational."
    );
    assert_eq!(
        changed("name = \"tail-slope\", ", ""),
        "spec.toml:23: [activation.constraint] lacks the key `name`: name one of none, tail-slope, freeze-after."
    );
    for (section, cure) in [
        ("data", "write for example [data] dataset = \"mnist\""),
        ("stream", "write [stream] with family, tasks, steps or epochs, and batch_size"),
        ("network", "write for example [network] kind = \"mlp\""),
        ("activation", "write for example [activation] name = \"relu\", or make it an axis of [grid]"),
        ("optimizer", "write for example [optimizer] name = \"adam\""),
    ] {
        // The record of a run is not read, so that this takes a section out.
        let text = BASE.replace(&format!("[{section}]"), "[run]");
        let wanted = format!("spec.toml: the spec lacks the section [{section}]: {cure}.");
        assert_eq!(error_with(&text, &[]), wanted);
    }
}

#[test]
fn settings_that_do_not_go_together() {
    assert_eq!(
        changed("steps = 20", "steps = 20\nepochs = 2"),
        "spec.toml:13: [stream] has both steps and epochs: keep the one that a task's length is counted in."
    );
    assert_eq!(
        added("[grid]\n\"stream.tasks\" = [1, 2]\n[[variants]]\nactivation = \"relu\"\n"),
        "spec.toml:29: grid.stream.tasks has no effect beside [[variants]], which replace the grid's product: \
         write the combinations out as variants, or remove one of the two."
    );
    assert_eq!(
        added("[grid]\n\"stream.tasks\" = [1, 2]\nstream.tasks = [3]\n"),
        "spec.toml:30: grid.stream.tasks stands in [grid] twice: join the two lists."
    );
    assert_eq!(
        changed("start = \"gelu\"", "degrees = [6, 4]"),
        "spec.toml:20: degrees = [6, 4] do not suit the test."
    );
    assert_eq!(
        added("[grid]\nactivation = [\n  \"relu\",\n  { degrees = [9, 1] },\n]\n"),
        "spec.toml:31: degrees = [9, 1] do not suit the test."
    );
}

#[test]
fn names_that_could_leave_the_output_folder() {
    for name in [
        "",
        ".",
        "..",
        "a/b",
        "../x",
        "/x",
        "a\\\\b",
        ".hidden",
        "-x",
        "a b",
        "ü",
        "a\\u0000",
        &"x".repeat(65),
    ] {
        let found = changed("name = \"bench\"", &format!("name = \"{name}\""));
        assert!(found.starts_with("spec.toml:1: name = \""), "{found}");
        let cure = "cannot be the name of a folder: take 1 to 64 letters (a to z), digits, -, _ or ., with a \
                    letter or digit first.";
        assert!(found.ends_with(cure), "{found}");
    }
    for name in ["a", "0", "shuffled-labels_v1.2", &"x".repeat(64)] {
        assert_eq!(plans(&base_with("name = \"bench\"", &format!("name = \"{name}\"")))[0].name, name);
    }
}

#[test]
fn an_error_in_the_last_grid_point_is_found() {
    assert_eq!(
        added("[grid]\nactivation = [\n  \"relu\",\n  { name = \"leaky_relu\", slope = 11 },\n]\n"),
        "spec.toml:31: activation.slope = 11 is out of range: it must be between -1 and 10."
    );
    assert_eq!(
        added("[grid]\nactivation = [\"rational\", \"relu\"]\n\"activation.start\" = [\"relu\"]\n"),
        "spec.toml:30: the activation `relu` takes no key `start`. It takes name."
    );
    assert_eq!(
        added("[[variants]]\n\"activation.slope\" = 1\n"),
        "spec.toml:29: the activation `rational` takes no key `slope`. It takes name, \
         version, degrees, start, constraint, learning_rate, groups, shared."
    );
    assert_eq!(
        added("[[variants]]\n\"activation.name\" = \"relu\"\n"),
        "spec.toml:22: the activation `relu` takes no key `start`. It takes name."
    );
    assert_eq!(
        added("[[variants]]\n\"stream.tasks.x\" = 1\n"),
        "spec.toml:29: stream.tasks must be an integer, not a table."
    );
}

#[test]
fn settings_of_the_command_line_are_named_themselves() {
    for (setting, sentence) in [
        (
            "stream.taks=3",
            "--set stream.taks=3: the task family `shuffled-labels` takes no key `taks`; did you mean `tasks`? It \
             takes family, tasks, examples, examples_from, steps, epochs, batch_size, drop_last, order, head, \
         transition, transition_steps, scaling_shock.",
        ),
        (
            "stream.tasks=0",
            "--set stream.tasks=0: stream.tasks = 0 is out of range: it must be between 1 and 1000000.",
        ),
        ("stream.tasks=", "--set stream.tasks=: stream.tasks must be an integer, not the text \"\"."),
        ("stream.tasks", "--set stream.tasks: a setting is KEY=VALUE, as in --set stream.tasks=10."),
        ("=3", "--set =3: the key before the = is not a dotted key, as in stream.tasks."),
        (
            "stream..tasks=3",
            "--set stream..tasks=3: the key before the = is not a dotted key, as in stream.tasks.",
        ),
        (
            "sream.tasks=3",
            "--set sream.tasks=3: the spec takes no key `sream`; did you mean `stream`? It takes name, source, data, \
             environment, stream, agent, diagnostic, network, activation, optimizer, method, critic, evaluation, probes, grid, tune.",
        ),
        (
            "variants=[]",
            "--set variants=[]: the spec takes no key `variants`. It takes name, source, data, environment, \
             stream, agent, diagnostic, network, activation, optimizer, method, critic, evaluation, probes, grid, tune.",
        ),
        (
            "network.hidden=[1, 2",
            "--set network.hidden=[1, 2: this is not valid TOML: unclosed array, expected `]`.",
        ),
        ("name.x=1", "--set name.x=1: name must be a text, not a table."),
        (
            "grid.seeds=x",
            "--set grid.seeds=x: the seeds \"x\" cannot be read: \"x\" is no whole number from 0 to \
             9223372036854775807. Write \"0..5\" for 0, 1, 2, 3, 4, \"0,3,7\", or \"4\".",
        ),
        (
            "activation=gelu",
            "--set activation=gelu: activation.name = \"gelu\" is not known; did you mean `relu`? Known are relu, leaky_relu, rational.",
        ),
    ] {
        assert_eq!(set(setting), sentence);
    }
}

#[test]
fn what_is_not_toml() {
    assert_eq!(
        changed("tasks = 3", "tasks = "),
        "spec.toml:10: this is not valid TOML: string values must be quoted, expected literal string."
    );
    assert_eq!(
        changed("tasks = 3", "tasks = 3\ntasks = 4"),
        "spec.toml:11: this is not valid TOML: duplicate key."
    );
    assert_eq!(
        changed("tasks = 3", "tasks = 99999999999999999999"),
        "spec.toml:10: this is not valid TOML: the integer 99999999999999999999 does not fit 64 bits."
    );
    assert!(error_with(&"[".repeat(100_000), &[]).starts_with("spec.toml:1: this is not valid TOML: "));
    assert!(error_with(&format!("x = {}", "[".repeat(100_000)), &[]).starts_with("spec.toml:1: this is not"));
}

#[test]
fn seeds_and_grids_that_are_too_large() {
    assert_eq!(
        added("[grid]\nseeds = \"0..3,x\"\n"),
        "spec.toml:29: the seeds \"0..3,x\" cannot be read: \"x\" is no whole number from 0 to \
         9223372036854775807. Write \"0..5\" for 0, 1, 2, 3, 4, \"0,3,7\", or \"4\"."
    );
    assert_eq!(
        added("[grid]\nseeds = -1\n"),
        "spec.toml:29: the seeds \"-1\" cannot be read: \"-1\" is no whole number from 0 to 9223372036854775807. \
         Write \"0..5\" for 0, 1, 2, 3, 4, \"0,3,7\", or \"4\"."
    );
    let list = format!("[{}]", vec!["1"; 1000].join(", "));
    let axis = |key: &str| format!("\"{key}\" = {list}\n");
    assert_eq!(
        added(&format!("[grid]\n{}{}", axis("stream.tasks"), axis("stream.steps"))),
        "spec.toml:29: the grid has 1000000 runs; at most 100000 are taken. Shorten its lists, or split the spec."
    );
    let many: String = ["tasks", "steps", "examples", "batch_size", "a", "b", "c"]
        .iter()
        .map(|key| axis(&format!("stream.{key}")))
        .collect();
    assert_eq!(
        added(&format!("[grid]\n{many}")),
        "spec.toml:29: the grid has more than 2^64 runs; at most 100000 are taken. Shorten its lists, or split \
         the spec."
    );
    assert_eq!(
        added("[grid]\nseeds = \"0..100000\"\n\"stream.tasks\" = [1, 2]\n"),
        "spec.toml: the grid has 200000 runs; at most 100000 are taken. Shorten its lists, or split the spec."
    );
    assert_eq!(
        error_with(&format!("{BASE}#{}", "x".repeat(MAX_BYTES)), &[]),
        format!("spec.toml: the file has {} bytes; a spec has at most 1048576.", BASE.len() + 1 + MAX_BYTES)
    );
}
