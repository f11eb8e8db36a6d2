"""Pre-trained models small enough for a test: random weights, in the very files in which a real one comes."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

SIZES = {"layers": 3, "width": 16, "heads": 2}


def save_tiny(folder: Path, family: str, texts: list[str], *, dropout: float = 0.0) -> Path:
    """A BERT or a GPT-2 with its tokenizer: config.json, tokenizer.json, model.safetensors."""
    torch.manual_seed(0)
    tokenizer = (_bert_pieces if family == "bert" else _gpt_pieces)(texts)
    model = (_bert if family == "bert" else _gpt)(tokenizer, dropout)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _bert_pieces(texts):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def _gpt_pieces(texts):
    """Byte pairs, in which 0 is a piece like any other, and nothing is padding: as in GPT-2."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=299, initial_alphabet=alphabet))
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer


def _bert(tokenizer, dropout):
    from transformers import BertConfig, BertModel

    return BertModel(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=SIZES["width"],
            num_hidden_layers=SIZES["layers"],
            num_attention_heads=SIZES["heads"],
            intermediate_size=32,
            max_position_embeddings=64,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
    )


def _gpt(tokenizer, dropout):
    from transformers import GPT2Config, GPT2Model

    end = tokenizer.token_to_id("<|endoftext|>")
    return GPT2Model(
        GPT2Config(
            vocab_size=tokenizer.get_vocab_size(),
            n_embd=SIZES["width"],
            n_layer=SIZES["layers"],
            n_head=SIZES["heads"],
            n_positions=64,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=None,
        )
    )
