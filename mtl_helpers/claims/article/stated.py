"""What the article states, in its order, and the rows of the register that test it."""

from __future__ import annotations

from mtl_helpers.claims.article.conditions import ACTION, ALONE, ROUTES, SHARED, SMALL, STARS, TOLD, WAYPOINTS, on_both
from mtl_helpers.claims.article.rule import ArticleClaim, Evidence

ARTICLE_CLAIMS: tuple[ArticleClaim, ...] = (
    ArticleClaim(
        id="learning-ability",
        chinese="在一个模型中同时训练多个任务，从而提高模型的学习能力和应用范围",
        english="training several tasks in one model improves what it can learn, and widens its use",
        counts="a higher score of the shared model than of a model of its own, in each world",
        evidence=(
            *ACTION,
            Evidence("05-sharing-digits-large", "above", "a large network reads two digits"),
            Evidence("05-sharing-reviews-large", "above", "a large network reads reviews"),
            Evidence("05-sharing-reviews-small", "above", "a small network reads reviews"),
            Evidence("05-real-topic", "above", "topic of Amazon reviews is asked"),
            Evidence("06-waypoints-300", "above", WAYPOINTS),
            *on_both("08-shared", "above", SHARED),
            Evidence("08-stars-sentiment", "above", STARS),
        ),
    ),
    ArticleClaim(
        id="large-models",
        chinese="AI大模型中的多任务学习",
        english="multi-task learning in large models",
        counts="a pre-trained encoder ahead of small models, or a second task that adds to it",
        evidence=(
            Evidence("07-few-topic-1", "above", "topic has 20 labels (frozen encoder)"),
            Evidence("07-few-sentiment", "above", "sentiment has all labels (frozen encoder)"),
            Evidence("07-stars-MiniLM", "above", "a second task joins the frozen encoder"),
            *on_both("08-frozen-20", "above", "{task} has 20 labels (sealed reviews)"),
            *on_both("08-frozen", "above", "{task} has all labels (sealed reviews)"),
        ),
    ),
    ArticleClaim(
        id="many-birds",
        chinese="一石多鸟的效果",
        english="many birds with one stone",
        counts="one model that answers all tasks for less than the models it replaces, and loses no accuracy",
        evidence=(
            Evidence("02-parameters-CNN", "below", "parameters of two CNNs are counted"),
            Evidence("02-step-CNN", "below", "a training step of CNNs is timed"),
            Evidence("02-quality-CNN-topic", "above", "accuracy on topic is asked, too"),
            Evidence("02-quality-CNN-sentiment", "above", "accuracy on sentiment is asked, too"),
            *on_both("08-shared", "above", SHARED),
        ),
    ),
    ArticleClaim(
        id="shared-data",
        chinese="可以共享参数和训练数据",
        english="training data can be shared",
        counts="labels of another task that stand in for labels of this one, against a control with their loss off",
        evidence=(
            Evidence("03-labels-stars-on-2000-control", "above", "2,000 stars join 300 labels (controlled world)"),
            Evidence("08-stars-sentiment", "above", STARS),
            Evidence("08-stars-control-sentiment", "above", STARS),
        ),
    ),
    ArticleClaim(
        id="parameters",
        chinese="共享参数和训练数据，从而减少模型的复杂性",
        english="parameters and training data are shared, which makes the model less complex (read as: fewer parameters)",
        counts="parameters of one shared model over those of a model for each task, below 1",
        evidence=(
            Evidence("02-parameters-CNN", "below", "the encoder is a CNN"),
            Evidence("02-parameters-LSTM", "below", "the encoder is an LSTM"),
        ),
    ),
    ArticleClaim(
        id="training-time",
        chinese="减少模型的复杂性和训练时间",
        english="less complexity and training time",
        counts="processor time over that of a model for each task, below 1: of a step, and to the same quality",
        evidence=(
            Evidence("02-step-CNN", "below", "a step is timed, CNN"),
            Evidence("02-step-LSTM", "below", "a step is timed, LSTM"),
            Evidence("02-target-CNN", "below", "the time to a modest accuracy is asked, CNN"),
            Evidence("02-target-LSTM", "below", "the time to a modest accuracy is asked, LSTM"),
        ),
    ),
    ArticleClaim(
        id="design-for-several",
        chinese="需要在模型设计和优化过程中考虑多个任务的需求",
        english="design and optimisation have to consider what several tasks need",
        counts="a shared model that is worse for a task unless something is done for that task",
        evidence=(
            Evidence("03-rho1-3000-MLP-head-single", "below", "an MLP head shares (controlled world)"),
            Evidence("05-sharing-reviews-small", "below", "a small network shares, at equal λ (reviews)"),
            Evidence("05-sharing-digits-small", "below", "a small network shares, at equal λ (digits)"),
            Evidence("05-raw-units", "below", "a regression in raw units joins"),
            Evidence("06-waypoints-300", "below", "a regression joins at equal λ (driving)"),
            *on_both("08-small", "below", SMALL),
        ),
    ),
    ArticleClaim(
        id="cnn-or-rnn",
        chinese="模型可以是卷积神经网络（CNN）、循环神经网络（RNN）等",
        english="the model can be a convolutional network, a recurrent one, and so on",
        counts="the same finding with both encoders",
        evidence=(
            Evidence("02-step-CNN", "below", "it is a CNN"),
            Evidence("02-step-LSTM", "below", "it is an LSTM"),
        ),
    ),
    ArticleClaim(
        id="relation-mechanism",
        chinese="在模型中加入任务关联机制，如共享参数、共享特征等",
        english="add a mechanism that relates the tasks, such as shared parameters or features",
        counts="a gain by sharing alone; a gain by a head that is told of the other task",
        evidence=(
            Evidence(
                "03-rho1-1000-plain-sharing-single", "above", "topic turns words round and only an encoder is shared"
            ),
            Evidence("03-rho1-1000-conditioned-single", "above", "topic turns words round and a head is told of it"),
            Evidence("03-rho0-1000-conditioned-single", "above", "tasks have nothing to do with each other"),
            Evidence("03-real-sentiment-conditioned-single", "above", "the written corpus is learnt"),
            *on_both("08-shared", "above", SHARED),
            *on_both("08-told", "above", TOLD),
        ),
    ),
    ArticleClaim(
        id="influence",
        chinese="多个任务可以相互影响",
        english="the tasks can influence each other",
        counts="a change of one task by the labels of another, whether up or down, against a control or a model of its own",
        evidence=(
            Evidence("03-rho1-1000-conditioned-control-free", "above", "topic turns words round (controlled world)"),
            Evidence("08-stars-control-sentiment", "above", STARS),
            Evidence("06-action-300", "above", ROUTES),
            Evidence("06-waypoints-4000", "below", "the waypoints learn beside the rest (driving)"),
        ),
    ),
    ArticleClaim(
        id="needs-of-all",
        chinese="模型会根据多个任务的需求进行优化",
        english="in training the model is optimised by what all tasks need",
        counts="a task that gains by the others at equal λ; a task that loses speaks against it",
        evidence=(
            Evidence("06-action-300", "above", ALONE),
            *(Evidence(f"06-waypoints-{labels}", "above", WAYPOINTS) for labels in (300, 1000, 4000)),
        ),
    ),
    ArticleClaim(
        id="evaluate-each",
        chinese="评估模型在每个任务上的表现",
        english="evaluate the model on each task",
        counts="tasks of one model that move in opposite directions, so that a mean would hide it",
        evidence=(
            Evidence("06-waypoints-300", "below", "one task pays: the waypoints, with 300 routes"),
            Evidence("06-action-300", "above", "another task of the same model gains: the action"),
        ),
    ),
    ArticleClaim(
        id="formula",
        chinese="这个公式表达了如何将多个任务的损失函数相加",
        english="the formula says how the losses of several tasks are added",
        counts="a λ that is raised in training changes what is learnt",
        evidence=(
            Evidence("00-topic", "above", "λ of topic is raised in training"),
            Evidence("04-importance-sentiment", "above", "λ of sentiment is raised"),
        ),
    ),
    ArticleClaim(
        id="program",
        chinese="使用Python和PyTorch实现一个多任务学习的模型，任务为文本分类和情感分析",
        english="a multi-task model in Python and PyTorch, for text classification and sentiment",
        counts="the article's program, run as printed on two tasks, takes training steps",
        evidence=(Evidence("08-program", "above", ""),),
    ),
    ArticleClaim(
        id="language",
        chinese="多任务学习在实际应用中有许多场景，如自然语言处理",
        english="it serves in many applications, such as language",
        counts="a gain on reviews, also on new ones",
        evidence=(
            Evidence("03-labels-real-stars-on-all-single", "above", "100 labels are joined by stars (corpus)"),
            Evidence("05-real-stars-imdb", "above", "100 labels are joined by stars (IMDB)"),
            Evidence("05-real-topic", "above", "topic of Amazon reviews is asked"),
            Evidence("08-stars-sentiment", "above", STARS),
            *on_both("08-shared", "above", SHARED),
        ),
    ),
    ArticleClaim(
        id="images",
        chinese="图像识别",
        english="the recognition of images (here: scanned digits, and 500 photographs)",
        counts="a gain on pictures against a model of its own",
        evidence=(
            Evidence("05-sharing-digits-small", "above", "a small network reads two digits"),
            Evidence("05-sharing-digits-large", "above", "a large network reads two digits"),
            Evidence("05-left-digit", "above", "the left digit is asked, large network"),
            Evidence("05-real-kind", "above", "the kind of object joins (CIFAR-10)"),
            Evidence("05-real-rotation", "above", "rotation joins (CIFAR-10)"),
        ),
    ),
    ArticleClaim(
        id="speech",
        chinese="语音识别等",
        english="and of speech",
        counts="a gain on recordings of people against a model of its own",
        because="the register has no row on recordings: lesson 06 trained on spoken digits, on one fixed split, and five "
        "seeds did not tell",
    ),
    ArticleClaim(
        id="driving",
        chinese="在一个模型中实现这些任务的共同优化，从而提高系统的整体性能",
        english="for driving, joint optimisation in one model improves the system as a whole",
        counts="action, waypoints or completed drives better than by models of their own; in a simulator, on no road",
        evidence=(
            Evidence("06-action-300", "above", ALONE),
            *ACTION[1:],
            *(Evidence(f"06-waypoints-{labels}", "above", WAYPOINTS) for labels in (300, 1000, 4000)),
            *(Evidence(f"06-success-{labels}", "above", "whole drives are counted") for labels in (300, 1000, 4000)),
        ),
    ),
    ArticleClaim(
        id="challenges",
        chinese="我们面临着许多挑战，如模型设计、训练数据收集、模型优化等",
        english="there are many challenges: model design, collecting training data, optimisation",
        counts="a count over many projects of where work was lost",
        because="this course is one project: what it met of each challenge is told below, and one case is no count",
    ),
    ArticleClaim(
        id="future",
        chinese="未来，多任务学习将继续发展，并在更多领域得到应用",
        english="it will develop further, and be applied in more fields",
        counts="the next years",
        because="it speaks of the future",
    ),
    ArticleClaim(
        id="generalisation",
        chinese="实现任务间的相互影响，从而提高模型的泛化能力",
        english="the tasks influence each other, which improves generalisation",
        counts="a higher score on texts by other writers, the sealed reviews, against a model of its own",
        evidence=(
            *on_both("08-shared", "above", SHARED),
            *on_both("08-conditioned", "above", TOLD),
            Evidence("08-stars-sentiment", "above", STARS),
            Evidence("08-stars-control-sentiment", "above", STARS),
            *on_both("08-small", "above", SMALL),
        ),
    ),
    ArticleClaim(
        id="harder",
        chinese="可能会导致模型的训练和优化变得复杂",
        english="training and optimisation may become more complicated",
        counts="a loss at equal λ that takes tuning runs to win back; more settings to choose",
        evidence=(
            Evidence("05-sharing-reviews-small", "below", "a small network shares reviews at equal λ"),
            Evidence("05-raw-units", "below", "losses have different units"),
            Evidence("04-units-raw", "above", "losses have different units: λ must be found"),
            Evidence("06-standardised-waypoints-300", "above", "a regression joins: its unit must be chosen (driving)"),
            *on_both("08-tuned", "above", "27 settings are tried (sealed reviews, {task})"),
        ),
    ),
    ArticleClaim(
        id="by-importance",
        chinese="任务权重可以根据任务的重要性",
        english="task weights can be set by importance",
        counts="a task that is given several times the λ does better than at equal λ",
        evidence=(Evidence("04-importance-sentiment", "above", "sentiment is made three times as important"),),
    ),
    ArticleClaim(
        id="by-amount",
        chinese="数据量等因素进行调整",
        english="or by the amount of data and other things (read as: in proportion to it)",
        counts="examples in proportion to the number of labels do better than a more even share, for the small task",
        evidence=(
            Evidence("04-temperature", "below", "the larger data set is drawn in proportion (reviews)"),
            Evidence("07-mixing", "below", "tasks are drawn in proportion (text to text)"),
            Evidence("07-mixing-draws", "below", "and twice as long, so that sentiment is drawn as often"),
        ),
    ),
    ArticleClaim(
        id="by-validation",
        chinese="任务权重可以通过交叉验证或其他方法进行优化",
        english="task weights can be optimised by cross-validation or other methods",
        counts="λ chosen by validation, or by a rule, does better than equal λ, on reviews that were not looked at",
        evidence=(
            *on_both("08-tuned", "above", "validation chooses (sealed reviews, {task})"),
            *on_both("08-uncertainty", "above", "uncertainty chooses (sealed reviews, {task})"),
            *on_both("08-GradNorm", "above", "GradNorm chooses (sealed reviews, {task})"),
            *on_both("08-PCGrad", "above", "PCGrad chooses (sealed reviews, {task})"),
        ),
    ),
)
