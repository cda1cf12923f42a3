"""Short sentences a voice is fitted on, and others it is checked on; written for this engine."""

FITTING: dict[str, tuple[str, ...]] = {
    "it": (
        "Domani mattina parto presto.",
        "La finestra è ancora aperta.",
        "Quanto costa un chilo di mele?",
        "Il gatto dorme sul divano.",
        "Ci vediamo giovedì alle nove.",
        "Ho perso le chiavi di casa.",
    ),
    "en": (
        "The garden is full of birds.",
        "We should leave before noon.",
        "How much does the ticket cost?",
        "My brother works at the harbour.",
        "She kept the letter in a box.",
        "Turn left after the old bridge.",
    ),
    "es": (
        "Mañana salgo muy temprano.",
        "La ventana sigue abierta.",
        "¿Cuánto cuesta la entrada?",
        "El perro duerme en el jardín.",
        "Nos vemos el jueves por la tarde.",
    ),
    "fr": (
        "Demain je pars de bonne heure.",
        "La fenêtre est encore ouverte.",
        "Combien coûte le billet ?",
        "Le chat dort sous la table.",
        "On se retrouve jeudi matin.",
    ),
    "pt": (
        "Amanhã eu saio bem cedo.",
        "A janela ainda está aberta.",
        "Quanto custa a passagem?",
        "O gato dorme em cima do sofá.",
        "A gente se vê na quinta-feira.",
    ),
    "hi": (
        "कल सुबह मैं जल्दी निकलूँगा।",
        "खिड़की अभी भी खुली है।",
        "टिकट कितने का है?",
        "बिल्ली सोफ़े पर सो रही है।",
    ),
}

CHECKING: dict[str, tuple[str, ...]] = {
    "it": (
        "Il treno per Bologna parte dal binario sette fra venti minuti.",
        "Se piove restiamo a casa e prepariamo una torta di mele.",
    ),
    "en": (
        "The train to the coast leaves from platform seven in twenty minutes.",
        "If it rains we will stay at home and bake an apple cake.",
    ),
    "es": ("El tren de la costa sale del andén siete dentro de veinte minutos.",),
    "fr": ("Le train pour la côte part de la voie sept dans vingt minutes.",),
    "pt": ("O trem para o litoral sai da plataforma sete em vinte minutos.",),
    "hi": ("समुद्र तट की गाड़ी बीस मिनट में निकलेगी।",),
}
