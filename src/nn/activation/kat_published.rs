//! The start coefficients that KAT's code publishes (`Adamdad/rational_kat_cu`, `kat_rational/init.json`), fitted on
//! [-3, 3] at degrees (5, 4).
//!
//! Its kernels compute version A, `1 + Σ|b_k||x|^k`, and so does `kat` here. Under it `swish`, `tanh`, `sigmoid` and
//! `gelu_old` are what they are called. `gelu`, the second start of KAT's models, was fitted for `1 + |Σ b_k x^k|`
//! (version B, `fit.py`), in which it is within 0.003 of GELU; under version A it is up to 1.46 away from it. It is
//! the start that KAT trains from all the same. The identity is the one of this suite to the bit.

/// Numerator, denominator.
pub(super) type Pair = ([f64; 6], [f64; 4]);

/// By name in specs.
pub(super) const STARTS: &[(&str, Pair)] = &[
    (
        "published-swish",
        (
            [
                3.054_879_741_161_051e-7,
                0.500_000_785_374_449_3,
                0.249_997_834_228_247_03,
                0.053_266_282_732_194_78,
                0.005_803_034_571_292_244,
                0.000_275_196_102_240_234_2,
            ],
            [
                -4.111_554_955_950_634e-6,
                0.106_528_993_350_075_72,
                -1.269_000_739_979_623_8e-6,
                0.000_550_233_126_414_055_6,
            ],
        ),
    ),
    (
        "published-gelu",
        (
            [-0.001_539_69, 0.516_928_71, 0.440_758_27, 0.097_255_3, -0.008_844_18, -0.003_786_75],
            [-0.141_710_56, -0.064_812_31, -0.044_469_5, 0.012_837_76],
        ),
    ),
    (
        "published-gelu-old",
        (
            [
                -0.001_242_359_449_749_912_2,
                0.508_049_706_324_562_9,
                0.415_863_631_829_374_75,
                0.130_227_186_880_357_61,
                0.024_355_900_098_993_424,
                0.002_902_839_481_555_35,
            ],
            [
                -0.066_750_156_964_949_44,
                0.179_276_462_170_015_53,
                0.037_466_826_054_966_31,
                1.656_161_085_327_608_2e-10,
            ],
        ),
    ),
];
