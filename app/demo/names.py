"""Lists of common given names and surnames, from which invented people get theirs, and how a name is put together."""

import random
from dataclasses import dataclass

_MALE = """José Juan Luis Carlos Jorge Mario Pedro Miguel Francisco Manuel Antonio Rafael Fernando Roberto Ricardo
Eduardo Oscar Víctor Héctor Julio César Raúl Sergio Marco Edgar Édgar Byron Walter Selvin Mynor Otto Erick
Estuardo Rolando Gerardo Rodrigo Diego Andrés Sebastián Mateo Santiago Ángel Gabriel Daniel David Samuel
Isaac Josué Elías Abner Marvin Elmer Nery Wilmer Wilson Henry Kevin Brandon Cristian Alexander Alejandro
Emilio Esteban Gonzalo Hugo Ismael Jaime Leonel Lisandro Marcelino Nicolás Obdulio Pablo Ramiro Rigoberto
Rubén Salvador Tomás Ubaldo Vicente Wenceslao Saúl Adrián Álvaro Benjamín Bernardo Cristóbal Domingo Efraín
Fabián Gaspar Gregorio Melchor Baltazar Íñigo Iván Joaquín Rosendo Crisanto"""
_FEMALE = """María Ana Rosa Marta Carmen Juana Silvia Sandra Claudia Karla Patricia Verónica Gloria Mirna Elena Lucía
Sofía Gabriela Andrea Paola Mónica Brenda Wendy Heidy Ingrid Íngrid Evelyn Yesenia Marisol Marleny
Floridalma Aracely Delmy Glenda Vilma Irma Olga Lidia Noemí Esperanza Dolores Mercedes Concepción Catarina
Tomasa Petrona Micaela Manuela Magdalena Isabel Teresa Beatriz Josefina Alejandra Daniela Valeria Ximena
Camila Fernanda Abigail Abigaíl Jimena Renata Emilia Mía Zoé Dulce Estefany Katherine Jennifer Kímberly
Ashley Madelyn Leticia Lesbia Nineth Odilia Ofelia Paulina Raquel Rebeca Reina Rosalinda Sara Susana Tatiana
Virginia Yolanda Zoila Begoña Ángela Inés Iris Judith Julia Laura Lilian Lorena"""
_MAYAN_MALE = "B'alam K'inich Ixb'alam Kan Tojil Ajpub' Ch'umil Tz'ikin Balam Iq' Kab'raqan Saqarik"
_MAYAN_FEMALE = "Ixchel Itzel Nikté Ixmukané Tz'unun Ixkik' Xmucané Sajb'in Saqb'e Ch'umilal Muyal"
_NEUTRAL = "Guadalupe Ariel Alexis Trinidad Reyes Jael Dominique Cruz"

_SURNAMES = """García López Pérez Hernández González Rodríguez Martínez Ramírez Morales Gómez Díaz Vásquez Cruz Méndez
Castillo Reyes Ruiz Flores Ortiz Mendoza Chávez Aguilar Juárez Estrada Lemus Barrios Orozco Escobar Cardona
Barillas Monzón Mazariegos Pineda Marroquín Sandoval Solís Muñoz Peña Ordóñez Núñez Ibáñez Zúñiga Castañeda
Acuña Briones Cabrera Calderón Carrera Cifuentes Contreras Donis Esquivel Fajardo Figueroa Fuentes Galindo
Godínez Guzmán Herrera Illescas Jiménez Ligorría Lorenzana Maldonado Miranda Navas Ochoa Ovalle Paiz Palma
Paredes Pinto Quiñónez Rivera Robles Rosales Salazar Samayoa Santizo Soto Tobar Trujillo Urízar Valenzuela
Velásquez Vielman Villagrán Ávila Álvarez Échigoyen Bolaños Cañas Treviño Ñurinda"""
_COMPOUND = ("De León", "Del Cid", "De la Cruz", "De Paz", "Ponce de León", "Del Águila", "De la Roca", "García-Salas")
_MAYAN = """Xitumul Ixcoy Tzoc Choc Caal Cuc Quej Tiul Coc Pop Xol Chub Ical Cac Maquín Ixcaquic Xiloj Chuc Tzul Tum
Tzunux Batz Cutz Ajanel Ajú Bal Batzín Calel Canil Chacaj Chajal Chavajay Cholotío Coxaj Cumes Curruchich
Guarchaj Ixmatá Ixtabalán Lux Mactzul Macz Matzar Mux Ordoñez Osorio Otzoy Poncio Puac Pérez Quisquinay
Raxón Sajvín Saquic Sicay Sirín Socop Sucuc Tambriz Tecún Toj Tuy Tzaj Tzep Tzoy Xicay Xocop Xuyá Yat Yaxón
Yojcom Zet Ixchop Acabal Cúmez Güitz"""
_APOSTROPHE = (
    "K'oy",
    "Ch'en",
    "B'atz'",
    "Tz'unux",
    "Q'anil",
    "K'ul",
    "Tz'oc",
    "Ik'al",
    "Ch'ok",
    "Xo'l",
    "Ka'al",
    "B'al",
)

MALE, FEMALE, NEUTRAL = (tuple(text.split()) for text in (_MALE, _FEMALE, _NEUTRAL))
MAYAN_MALE, MAYAN_FEMALE = tuple(_MAYAN_MALE.split()), tuple(_MAYAN_FEMALE.split())
SURNAMES, MAYAN_SURNAMES = tuple(_SURNAMES.split()), tuple(_MAYAN.split())


@dataclass(frozen=True)
class FullName:
    """The parts of a name as an enrolment carries them; empty text when there is none."""

    first_name: str
    second_name: str
    other_names: str
    first_surname: str
    second_surname: str
    married_surname: str = ""

    def __str__(self) -> str:
        given = (self.first_name, self.second_name, self.other_names)
        return " ".join(
            part for part in (*given, self.first_surname, self.second_surname, self.married_surname) if part
        )


def surname(rng: random.Random, *, mayan: bool) -> str:
    """One surname; a Mayan one is sometimes written with apostrophes, a Spanish one sometimes compound."""
    if mayan:
        return rng.choice(_APOSTROPHE) if rng.random() < 0.12 else rng.choice(MAYAN_SURNAMES)
    return rng.choice(_COMPOUND) if rng.random() < 0.04 else rng.choice(SURNAMES)


def given_names(rng: random.Random, sex: str, *, mayan: bool) -> tuple[str, str, str]:
    """First, second and other given names that go with the sex; nearly all have two."""
    common = {"M": MALE, "F": FEMALE}.get(sex, NEUTRAL)
    own = {"M": MAYAN_MALE, "F": MAYAN_FEMALE}.get(sex, NEUTRAL)
    chosen = rng.sample(common, 4)
    if mayan and rng.random() < 0.22:
        chosen[rng.randrange(2)] = rng.choice(own)
    count = rng.choices((1, 2, 3, 4), (14, 80, 5, 1))[0]
    return chosen[0], chosen[1] if count > 1 else "", " ".join(chosen[2:count])


def name_of(rng: random.Random, sex: str, *, mayan: bool) -> FullName:
    """The name of somebody of whom only the sex is given."""
    first, second, other = given_names(rng, sex, mayan=mayan)
    both = rng.random() < 0.94
    mixed = mayan and rng.random() < 0.7
    return FullName(first, second, other, surname(rng, mayan=mayan), surname(rng, mayan=mixed) if both else "")


def single_name(rng: random.Random, *, mayan: bool) -> FullName:
    """Somebody with one name only, which stands as the first surname."""
    return FullName("", "", "", surname(rng, mayan=mayan), "")


def married(rng: random.Random, name: FullName, *, widow: bool, mayan: bool) -> FullName:
    """The name with a husband's surname and its particle."""
    particle = "viuda de" if widow else "de"
    return FullName(
        name.first_name, name.second_name, name.other_names, name.first_surname, name.second_surname,
        f"{particle} {rng.choice(MAYAN_SURNAMES if mayan else SURNAMES)}",
    )  # fmt: skip
