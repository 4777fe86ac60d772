"""Units of UCUM by their case-sensitive codes: what each is made of.

Shape: code → (definition in UCUM, may take a prefix). The seven base units stand for themselves.
Arbitrary units (international units and the like) are bases of their own: they convert to nothing.

Source: UCUM 2.1, tables 1 to 23, https://ucum.org/ucum — facts only.
"""

from collections.abc import Mapping
from fractions import Fraction

PREFIXES: Mapping[str, Fraction] = {
    "Y": Fraction(10**24), "Z": Fraction(10**21), "E": Fraction(10**18), "P": Fraction(10**15),
    "T": Fraction(10**12), "G": Fraction(10**9), "M": Fraction(10**6), "k": Fraction(1000),
    "h": Fraction(100), "da": Fraction(10), "d": Fraction(1, 10), "c": Fraction(1, 100),
    "m": Fraction(1, 1000), "u": Fraction(1, 10**6), "n": Fraction(1, 10**9), "p": Fraction(1, 10**12),
    "f": Fraction(1, 10**15), "a": Fraction(1, 10**18), "z": Fraction(1, 10**21), "y": Fraction(1, 10**24),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40),
}  # fmt: skip

BASE_UNITS = ("m", "s", "g", "rad", "K", "C", "cd")

METRIC: Mapping[str, str] = {
    "mol": "6.0221367*10*23", "sr": "rad2", "Hz": "s-1", "N": "kg.m/s2", "Pa": "N/m2", "J": "N.m",
    "W": "J/s", "A": "C/s", "V": "J/C", "F": "C/V", "Ohm": "V/A", "S": "Ohm-1", "Wb": "V.s", "T": "Wb/m2",
    "H": "Wb/A", "lm": "cd.sr", "lx": "lm/m2", "Bq": "s-1", "Gy": "J/kg", "Sv": "J/kg", "l": "dm3",
    "L": "l", "ar": "100*m2", "t": "1000*kg", "bar": "100000*Pa", "u": "1.6605402*10*-24.g",
    "eV": "[e].V", "pc": "3.085678*10*16.m", "[c]": "299792458*m/s",
    "[h]": "6.6260755*10*-34.J.s", "[k]": "1.380658*10*-23.J/K", "[eps_0]": "8.854187817*10*-12.F/m",
    "[e]": "1.60217733*10*-19.C", "[m_e]": "9.1093897*10*-28.g", "[m_p]": "1.6726231*10*-24.g",
    "[G]": "6.67259*10*-11.m3.kg-1.s-2", "[g]": "9.80665*m/s2", "[ly]": "[c].a_j", "gf": "g.[g]",
    "Ky": "cm-1", "Gal": "cm/s2", "dyn": "g.cm/s2", "erg": "dyn.cm", "P": "dyn.s/cm2", "Bi": "10.A",
    "St": "cm2/s", "Mx": "10*-8.Wb", "G": "10*-4.T", "Oe": "250*A/m/[pi]", "Gb": "Oe.cm",
    "sb": "cd/cm2", "Lmb": "cd/cm2/[pi]", "ph": "10*-4.lx", "Ci": "37000000000*Bq",
    "R": "2.58*10*-4.C/kg", "RAD": "100*erg/g", "REM": "RAD", "kat": "mol/s", "U": "umol/min",
    "cal": "4.184*J", "cal_[15]": "4.18580*J", "cal_[20]": "4.18190*J", "cal_m": "4.19002*J",
    "cal_IT": "4.1868*J", "cal_th": "4.184*J", "mho": "S", "eq": "mol", "osm": "mol", "g%": "g/dl",
    "m[H2O]": "9.80665*kPa", "m[Hg]": "133.3220*kPa", "[PRU]": "mm[Hg].s/ml",
    "[mu_0]": "4.[pi].10*-7.N/A2", "st": "m3", "bit": "1", "By": "8*bit", "Bd": "s-1",
    "[iU]": "", "[IU]": "[iU]", "[CCID_50]": "", "[TCID_50]": "",
}  # fmt: skip
"""Units that take prefixes; an empty definition marks an arbitrary unit."""

PLAIN: Mapping[str, str] = {
    "10*": "10", "10^": "10", "[pi]": "3.1415926535897932384626433832795028841971693993751058209749445923",
    "%": "0.01", "[ppth]": "0.001", "[ppm]": "0.000001", "[ppb]": "0.000000001",
    "[pptr]": "0.000000000001", "deg": "2*[pi].rad/360", "gon": "0.9*deg", "'": "deg/60", "''": "'/60",
    "min": "60*s", "h": "60*min", "d": "24*h", "a_t": "365.24219*d", "a_j": "365.25*d",
    "a_g": "365.2425*d", "a": "a_j", "wk": "7*d", "mo_s": "29.53059*d", "mo_j": "a_j/12",
    "mo_g": "a_g/12", "mo": "mo_j", "AU": "149597.870691*Mm", "atm": "101325*Pa",
    "[lbf_av]": "[lb_av].[g]", "[in_i]": "2.54*cm", "[ft_i]": "12*[in_i]", "[yd_i]": "3*[ft_i]",
    "[mi_i]": "5280*[ft_i]", "[fth_i]": "6*[ft_i]", "[nmi_i]": "1852*m", "[kn_i]": "[nmi_i]/h",
    "[sin_i]": "[in_i]2", "[sft_i]": "[ft_i]2", "[syd_i]": "[yd_i]2", "[cin_i]": "[in_i]3",
    "[cft_i]": "[ft_i]3", "[cyd_i]": "[yd_i]3", "[mil_i]": "0.001*[in_i]", "[hd_i]": "4*[in_i]",
    "[cml_i]": "[pi]/4.[mil_i]2", "[smoot]": "67*[in_i]",
    "[degR]": "5*K/9", "[m/s2/Hz^0.5]": "", "[ft_us]": "1200*m/3937", "[yd_us]": "3*[ft_us]",
    "[in_us]": "[ft_us]/12", "[mi_us]": "5280*[ft_us]", "[acr_us]": "43560*[ft_us]2",
    "[gal_us]": "231*[in_i]3", "[qt_us]": "[gal_us]/4", "[pt_us]": "[qt_us]/2", "[gil_us]": "[pt_us]/4",
    "[foz_us]": "[gil_us]/4", "[fdr_us]": "[foz_us]/8", "[min_us]": "[fdr_us]/60",
    "[bbl_us]": "42*[gal_us]", "[tbs_us]": "[foz_us]/2", "[tsp_us]": "[tbs_us]/3",
    "[cup_us]": "16*[tbs_us]", "[foz_m]": "30*ml", "[cup_m]": "240*ml", "[tsp_m]": "5*ml",
    "[tbs_m]": "15*ml", "[gal_br]": "4.54609*l", "[qt_br]": "[gal_br]/4", "[pt_br]": "[qt_br]/2",
    "[foz_br]": "[pt_br]/20", "[gr]": "64.79891*mg", "[lb_av]": "7000*[gr]", "[oz_av]": "[lb_av]/16",
    "[dr_av]": "[oz_av]/16", "[scwt_av]": "100*[lb_av]", "[lcwt_av]": "112*[lb_av]",
    "[ston_av]": "20*[scwt_av]", "[lton_av]": "20*[lcwt_av]", "[stone_av]": "14*[lb_av]",
    "[pwt_tr]": "24*[gr]", "[oz_tr]": "20*[pwt_tr]", "[lb_tr]": "12*[oz_tr]", "[oz_m]": "28*g",
    "[Btu_IT]": "1.05505585262*kJ", "[Btu_th]": "1.054350*kJ", "[Btu]": "[Btu_th]", "[Cal]": "kcal_th",
    "[HP]": "550*[ft_i].[lbf_av]/s", "[psi]": "[lbf_av]/[in_i]2", "[in_i'H2O]": "m[H2O].[in_i]/m",
    "[in_i'Hg]": "m[Hg].[in_i]/m", "[wood'U]": "mm[Hg].min/l", "[diop]": "m-1", "[mesh_i]": "[in_i]-1",
    "[Ch]": "mm/3", "[drp]": "ml/20", "[hnsf'U]": "", "[APL'U]": "", "[GPL'U]": "",
    "[MPL'U]": "", "[arb'U]": "", "[USP'U]": "", "[AU]": "", "[BAU]": "", "[Amb'a'1'U]": "", "[CFU]": "",
    "[FFU]": "", "[PFU]": "", "[EID_50]": "", "[LD]": "", "[car_Au]": "/24",
    "[acr_br]": "4840*[yd_br]2", "[in_br]": "2.539998*cm", "[ft_br]": "12*[in_br]", "[yd_br]": "3*[ft_br]",
    "[car_m]": "0.2*g", "tex": "g/km", "[den]": "g/9/km", "[rd_us]": "16.5*[ft_us]", "[beth'U]": "",
    "[mclg'U]": "", "[todd'U]": "", "[dye'U]": "", "[bdsk'U]": "",
    "[ka'U]": "", "[knk'U]": "", "[D'ag'U]": "", "[ELU]": "", "[EU]": "", "[Lf]": "", "[PNU]": "",
    "[anti'Xa'U]": "", "[MET]": "3.5*ml/min/kg",
    "att": "kgf/cm2", "[bf_i]": "144*[in_i]3", "[cr_i]": "128*[ft_i]3", "[ch_us]": "4*[rd_us]",
    "[lk_us]": "[ch_us]/100", "[rch_us]": "100*[ft_us]", "[rlk_us]": "[rch_us]/100", "[fth_us]": "6*[ft_us]",
    "[fur_us]": "40*[rd_us]", "[srd_us]": "[rd_us]2", "[smi_us]": "[mi_us]2", "[sct]": "[mi_us]2",
    "[twp]": "36*[sct]", "[mil_us]": "0.001*[in_us]", "[rd_br]": "16.5*[ft_br]", "[ch_br]": "4*[rd_br]",
    "[lk_br]": "[ch_br]/100", "[fth_br]": "6*[ft_br]", "[pc_br]": "2.5*[ft_br]", "[mi_br]": "5280*[ft_br]",
    "[nmi_br]": "6080*[ft_br]", "[kn_br]": "[nmi_br]/h", "[crd_us]": "128*[ft_i]3",
    "[bu_us]": "2150.42*[in_i]3", "[gal_wi]": "[bu_us]/8", "[pk_us]": "[bu_us]/4", "[dqt_us]": "[pk_us]/8",
    "[dpt_us]": "[dqt_us]/2", "[pk_br]": "2*[gal_br]", "[bu_br]": "4*[pk_br]", "[gil_br]": "[pt_br]/4",
    "[fdr_br]": "[foz_br]/8", "[min_br]": "[fdr_br]/60", "[sc_ap]": "20*[gr]", "[dr_ap]": "3*[sc_ap]",
    "[oz_ap]": "8*[dr_ap]", "[lb_ap]": "12*[oz_ap]", "[lne]": "[in_i]/12", "[pnt]": "[lne]/6",
    "[pca]": "12*[pnt]", "[pnt_pr]": "0.013837*[in_i]", "[pca_pr]": "12*[pnt_pr]", "[pied]": "32.48*cm",
    "[pouce]": "[pied]/12", "[ligne]": "[pouce]/12", "[didot]": "[ligne]/6", "[cicero]": "12*[didot]",
    "[Btu_39]": "1.05967*kJ", "[Btu_59]": "1.05480*kJ", "[Btu_60]": "1.05468*kJ", "[Btu_m]": "1.05587*kJ",
    "[S]": "10*-13.s", "[HPF]": "1", "[LPF]": "100", "Ao": "0.1*nm", "b": "100*fm2", "circ": "2*[pi].rad",
    "sph": "4*[pi].sr", "[smgy'U]": "", "[tb'U]": "", "[IR]": "", "[FEU]": "", "[NTU]": "", "[FNU]": "",
    "[kp_X]": "", "[kp_C]": "", "[kp_M]": "", "[kp_Q]": "",
}  # fmt: skip
"""Units that take no prefix."""

SPECIAL: Mapping[str, tuple[Fraction, Fraction]] = {
    "Cel": (Fraction(1), Fraction("273.15")),
    "[degF]": (Fraction(5, 9), Fraction("459.67") * 5 / 9),
    "[degRe]": (Fraction(5, 4), Fraction("273.15")),
}
"""Temperatures with a zero of their own: kelvin = factor × value + shift."""

CURVES: Mapping[str, tuple[str, str, str]] = {
    "Np": ("e", "1", "1"), "B": ("10", "1", "1"), "B[SPL]": ("10", "1/2", "2*10*-5.Pa"),
    "B[V]": ("10", "1/2", "V"), "B[mV]": ("10", "1/2", "mV"), "B[uV]": ("10", "1/2", "uV"),
    "B[10.nV]": ("10", "1/2", "10.nV"), "B[W]": ("10", "1", "W"), "B[kW]": ("10", "1", "kW"),
    "bit_s": ("2", "1", "1"), "[pH]": ("10", "-1", "mol/l"), "[hp_X]": ("10", "-1", "1"),
    "[hp_C]": ("100", "-1", "1"), "[hp_M]": ("1000", "-1", "1"), "[hp_Q]": ("50000", "-1", "1"),
    "[p'diop]": ("tan", "1/100", "rad"), "%[slope]": ("tan", "1/100", "rad"),
    "[m/s2/Hz^(1/2)]": ("sqrt", "1", "m2/s4/Hz"),
}  # fmt: skip
"""Units on a curve: what is measured is reference × base ^ (value × step); a tangent, or the square of the
value, where base says so. Shape: code → (base, step, reference).
"""

CURVED_METRIC = frozenset({
    "Np", "B", "B[SPL]", "B[V]", "B[mV]", "B[uV]", "B[10.nV]", "B[W]", "B[kW]",
})  # fmt: skip
"""The units on a curve that take prefixes."""
