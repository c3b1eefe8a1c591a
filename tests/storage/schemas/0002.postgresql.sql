CREATE TYPE public.studydirection AS ENUM (
    'NOT_SET',
    'MINIMIZE',
    'MAXIMIZE'
);
CREATE TYPE public.trialintermediatevaluetype AS ENUM (
    'FINITE',
    'INF_POS',
    'INF_NEG',
    'NAN'
);
CREATE TYPE public.trialstate AS ENUM (
    'RUNNING',
    'COMPLETE',
    'PRUNED',
    'FAIL',
    'WAITING'
);
CREATE TYPE public.trialvaluetype AS ENUM (
    'FINITE',
    'INF_POS',
    'INF_NEG'
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.epoch_metric (
    trial_id integer NOT NULL,
    fold integer NOT NULL,
    epoch integer NOT NULL,
    score double precision,
    binary_f1 double precision,
    macro_f1 double precision,
    train_multiclass double precision,
    train_binary double precision,
    train_nine_class double precision,
    train_kl double precision,
    train_total double precision,
    val_multiclass double precision,
    val_binary double precision,
    val_nine_class double precision,
    val_kl double precision,
    val_total double precision,
    weight_multiclass double precision,
    weight_binary double precision,
    weight_nine_class double precision,
    weight_kl double precision,
    s_multiclass double precision,
    s_binary double precision,
    s_nine_class double precision,
    s_kl double precision,
    alpha double precision,
    extra json
);
CREATE TABLE public.fold_score (
    trial_id integer NOT NULL,
    fold integer NOT NULL,
    score double precision,
    binary_f1 double precision,
    macro_f1 double precision,
    best_epoch integer,
    best_score double precision
);
CREATE TABLE public.oof_prediction (
    trial_id integer NOT NULL,
    fold integer NOT NULL,
    predicted bytea NOT NULL,
    sequence_ids bytea NOT NULL
);
CREATE TABLE public.studies (
    study_id integer NOT NULL,
    study_name character varying(512) NOT NULL
);
CREATE SEQUENCE public.studies_study_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.studies_study_id_seq OWNED BY public.studies.study_id;
CREATE TABLE public.study_alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.study_directions (
    study_direction_id integer NOT NULL,
    direction public.studydirection NOT NULL,
    study_id integer NOT NULL,
    objective integer NOT NULL
);
CREATE SEQUENCE public.study_directions_study_direction_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_directions_study_direction_id_seq OWNED BY public.study_directions.study_direction_id;
CREATE TABLE public.study_record (
    study_id integer NOT NULL,
    name character varying(512) NOT NULL,
    created double precision NOT NULL,
    config json NOT NULL,
    arms json NOT NULL,
    seed bigint NOT NULL,
    data_hash character varying(64) NOT NULL,
    config_hash character varying(64) NOT NULL,
    model_hash character varying(64) NOT NULL,
    environment json NOT NULL,
    stopping json
);
CREATE TABLE public.study_system_attributes (
    study_system_attribute_id integer NOT NULL,
    study_id integer,
    key character varying(512),
    value_json text
);
CREATE SEQUENCE public.study_system_attributes_study_system_attribute_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_system_attributes_study_system_attribute_id_seq OWNED BY public.study_system_attributes.study_system_attribute_id;
CREATE TABLE public.study_truth (
    study_id integer NOT NULL,
    data_hash character varying(64) NOT NULL,
    sequence_ids bytea NOT NULL,
    labels bytea NOT NULL,
    subjects bytea NOT NULL,
    classes json NOT NULL
);
CREATE TABLE public.study_user_attributes (
    study_user_attribute_id integer NOT NULL,
    study_id integer,
    key character varying(512),
    value_json text
);
CREATE SEQUENCE public.study_user_attributes_study_user_attribute_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_user_attributes_study_user_attribute_id_seq OWNED BY public.study_user_attributes.study_user_attribute_id;
CREATE TABLE public.trial_heartbeats (
    trial_heartbeat_id integer NOT NULL,
    trial_id integer NOT NULL,
    heartbeat timestamp without time zone NOT NULL
);
CREATE SEQUENCE public.trial_heartbeats_trial_heartbeat_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_heartbeats_trial_heartbeat_id_seq OWNED BY public.trial_heartbeats.trial_heartbeat_id;
CREATE TABLE public.trial_intermediate_values (
    trial_intermediate_value_id integer NOT NULL,
    trial_id integer NOT NULL,
    step integer NOT NULL,
    intermediate_value double precision,
    intermediate_value_type public.trialintermediatevaluetype NOT NULL
);
CREATE SEQUENCE public.trial_intermediate_values_trial_intermediate_value_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_intermediate_values_trial_intermediate_value_id_seq OWNED BY public.trial_intermediate_values.trial_intermediate_value_id;
CREATE TABLE public.trial_params (
    param_id integer NOT NULL,
    trial_id integer,
    param_name character varying(512),
    param_value double precision,
    distribution_json text
);
CREATE SEQUENCE public.trial_params_param_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_params_param_id_seq OWNED BY public.trial_params.param_id;
CREATE TABLE public.trial_run (
    id integer NOT NULL,
    study_id integer NOT NULL,
    trial_id integer,
    number integer,
    cell character varying(64) NOT NULL,
    arm character varying(64) NOT NULL,
    repeat integer NOT NULL,
    params json NOT NULL,
    state character varying(16) NOT NULL,
    attempt integer NOT NULL,
    cause character varying(32),
    reason text,
    log_tail text,
    told boolean NOT NULL,
    holder character varying(64) NOT NULL,
    host character varying(255) NOT NULL,
    boot character varying(64) NOT NULL,
    pid integer NOT NULL,
    process_started double precision NOT NULL,
    lease_expires double precision NOT NULL,
    worker character varying(255),
    device character varying(255),
    device_seconds double precision,
    value double precision,
    started double precision NOT NULL,
    ended double precision,
    code_hash character varying(64) NOT NULL,
    data_hash character varying(64) NOT NULL,
    config_hash character varying(64) NOT NULL,
    environment json NOT NULL,
    CONSTRAINT ck_trial_run_ck_trial_run_state CHECK (((state)::text = ANY ((ARRAY['running'::character varying, 'complete'::character varying, 'pruned'::character varying, 'failed'::character varying, 'retry'::character varying, 'released'::character varying])::text[])))
);
CREATE SEQUENCE public.trial_run_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_run_id_seq OWNED BY public.trial_run.id;
CREATE TABLE public.trial_system_attributes (
    trial_system_attribute_id integer NOT NULL,
    trial_id integer,
    key character varying(512),
    value_json text
);
CREATE SEQUENCE public.trial_system_attributes_trial_system_attribute_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_system_attributes_trial_system_attribute_id_seq OWNED BY public.trial_system_attributes.trial_system_attribute_id;
CREATE TABLE public.trial_user_attributes (
    trial_user_attribute_id integer NOT NULL,
    trial_id integer,
    key character varying(512),
    value_json text
);
CREATE SEQUENCE public.trial_user_attributes_trial_user_attribute_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_user_attributes_trial_user_attribute_id_seq OWNED BY public.trial_user_attributes.trial_user_attribute_id;
CREATE TABLE public.trial_values (
    trial_value_id integer NOT NULL,
    trial_id integer NOT NULL,
    objective integer NOT NULL,
    value double precision,
    value_type public.trialvaluetype NOT NULL
);
CREATE SEQUENCE public.trial_values_trial_value_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trial_values_trial_value_id_seq OWNED BY public.trial_values.trial_value_id;
CREATE TABLE public.trials (
    trial_id integer NOT NULL,
    number integer,
    study_id integer,
    state public.trialstate NOT NULL,
    datetime_start timestamp without time zone,
    datetime_complete timestamp without time zone
);
CREATE SEQUENCE public.trials_trial_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.trials_trial_id_seq OWNED BY public.trials.trial_id;
CREATE TABLE public.version_info (
    version_info_id integer NOT NULL,
    schema_version integer,
    library_version character varying(256),
    CONSTRAINT version_info_version_info_id_check CHECK ((version_info_id = 1))
);
ALTER TABLE ONLY public.studies ALTER COLUMN study_id SET DEFAULT nextval('public.studies_study_id_seq'::regclass);
ALTER TABLE ONLY public.study_directions ALTER COLUMN study_direction_id SET DEFAULT nextval('public.study_directions_study_direction_id_seq'::regclass);
ALTER TABLE ONLY public.study_system_attributes ALTER COLUMN study_system_attribute_id SET DEFAULT nextval('public.study_system_attributes_study_system_attribute_id_seq'::regclass);
ALTER TABLE ONLY public.study_user_attributes ALTER COLUMN study_user_attribute_id SET DEFAULT nextval('public.study_user_attributes_study_user_attribute_id_seq'::regclass);
ALTER TABLE ONLY public.trial_heartbeats ALTER COLUMN trial_heartbeat_id SET DEFAULT nextval('public.trial_heartbeats_trial_heartbeat_id_seq'::regclass);
ALTER TABLE ONLY public.trial_intermediate_values ALTER COLUMN trial_intermediate_value_id SET DEFAULT nextval('public.trial_intermediate_values_trial_intermediate_value_id_seq'::regclass);
ALTER TABLE ONLY public.trial_params ALTER COLUMN param_id SET DEFAULT nextval('public.trial_params_param_id_seq'::regclass);
ALTER TABLE ONLY public.trial_run ALTER COLUMN id SET DEFAULT nextval('public.trial_run_id_seq'::regclass);
ALTER TABLE ONLY public.trial_system_attributes ALTER COLUMN trial_system_attribute_id SET DEFAULT nextval('public.trial_system_attributes_trial_system_attribute_id_seq'::regclass);
ALTER TABLE ONLY public.trial_user_attributes ALTER COLUMN trial_user_attribute_id SET DEFAULT nextval('public.trial_user_attributes_trial_user_attribute_id_seq'::regclass);
ALTER TABLE ONLY public.trial_values ALTER COLUMN trial_value_id SET DEFAULT nextval('public.trial_values_trial_value_id_seq'::regclass);
ALTER TABLE ONLY public.trials ALTER COLUMN trial_id SET DEFAULT nextval('public.trials_trial_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('v3.2.0.a');
INSERT INTO public.epoch_metric VALUES (1, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (1, 0, 1, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (1, 0, 2, 0.2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (1, 1, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (1, 1, 1, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (1, 1, 2, 0.2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (2, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (2, 0, 1, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (2, 1, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (2, 1, 1, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (6, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (6, 0, 1, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (6, 0, 2, 0.2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (6, 1, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (6, 1, 1, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (6, 1, 2, 0.2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (7, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.epoch_metric VALUES (7, 1, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.25, NULL, NULL, NULL, NULL, NULL, '{"temperature": 2.0}');
INSERT INTO public.fold_score VALUES (1, 0, 0.5, 0.5, 0.5, 1, 0.5);
INSERT INTO public.fold_score VALUES (1, 1, 0.75, 0.75, 0.75, 1, 0.75);
INSERT INTO public.fold_score VALUES (6, 0, 0.6, 0.6, 0.6, 1, 0.6);
INSERT INTO public.fold_score VALUES (6, 1, 0.7, 0.7, 0.7, 1, 0.7);
INSERT INTO public.oof_prediction VALUES (1, 0, '\x0011', '\x789c8b568a29353048b554d2514a528a05001c57039e');
INSERT INTO public.oof_prediction VALUES (1, 1, '\x0111', '\x789c8b568a29353048b554d2514a528a05001c57039e');
INSERT INTO public.oof_prediction VALUES (6, 0, '\x0011', '\x789c8b568a29353048b554d2514a528a05001c57039e');
INSERT INTO public.oof_prediction VALUES (6, 1, '\x0111', '\x789c8b568a29353048b554d2514a528a05001c57039e');
INSERT INTO public.studies VALUES (1, 'every state');
INSERT INTO public.study_alembic_version VALUES ('0002');
INSERT INTO public.study_directions VALUES (1, 'MAXIMIZE', 1, 0);
INSERT INTO public.study_record VALUES (1, 'every state', 1795623855.811496, '{"data": "wisdm51", "subjects": null, "folds": 2, "seed": 0, "arms": ["fixed", "uncertainty", "direct"], "network": {"width": 32, "blocks": 2, "heads": 2, "kernel": 15, "expansion": 2, "stem_kernel": 5, "stride": 2, "bert_layers": 0, "dropout": 0.1}, "training": {"epochs": 3, "batch_size": 64, "learning_rate": 0.002, "warmup": 0.1, "weight_decay": 0.01, "clip_norm": 1.0, "precision": "auto"}, "features": {"feature_set": "gravity", "max_length": 200, "normalise": "train"}, "loss": {"alpha": 0.5, "nine_class_loss_weight": 0.2, "kl_weight": 0.1, "nine_class_head_enabled": true, "auto_weighting": "none", "auto_weight_clamp": [-10.0, 10.0], "uncertainty_init_value": 0.0, "lr_multiplier": 0.1, "rho": 1.0, "temperature": null, "label_smoothing": 0.1}, "grid": {"fixed": {"alpha": [0.3, 0.5, 0.7, 0.9], "nine_class_weight": [0.0, 0.1, 0.2, 0.5], "kl_weight": [0.0, 0.05, 0.1, 0.2]}, "uncertainty": {"s_init": ["zero", "matched"], "lr_multiplier": [0.1, 1.0, 10.0, 100.0]}, "direct": {"lr_multiplier": [0.1, 1.0, 10.0, 100.0]}}}', '["fixed", "uncertainty", "direct"]', 0, 'data', '48d258d709ee02ea13c47ce4c1c6301e49880c6389ddf075f8e2969c65216e4f', '676b76f6668213f916eabdaa2a58ff6ed7b9b86061cabb2de91d52bc72fa70d9', '{"packages": {"torch": "2"}}', '{"looks": [5, 10], "rope": 0.005, "races": true}');
INSERT INTO public.study_system_attributes VALUES (1, 1, 'study:metric_names', '["score"]');
INSERT INTO public.study_truth VALUES (1, 'd', '\x789c8b568a29353048b554d2514a528a05001c57039e', '\x0011', '\x789c8b8e560a3652d2510a36548ad58936d0318c8d05002d7f049f', '{"fine": ["class 00", "class 01", "class 02", "class 03", "class 04", "class 05", "class 06", "class 07", "class 08", "class 09", "class 10", "class 11", "class 12", "class 13", "class 14", "class 15", "class 16", "class 17"], "coarse": ["class 00", "class 01", "other"], "other": "other"}');
INSERT INTO public.trial_intermediate_values VALUES (1, 1, 0, 0, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (2, 1, 1, 0.1, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (3, 1, 2, 0.2, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (4, 2, 0, 0, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (5, 2, 1, 0.1, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (6, 6, 0, 0, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (7, 6, 1, 0.1, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (8, 6, 2, 0.2, 'FINITE');
INSERT INTO public.trial_intermediate_values VALUES (9, 7, 0, 0, 'FINITE');
INSERT INTO public.trial_params VALUES (1, 1, 'arm', 0, '{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO public.trial_params VALUES (2, 1, 'alpha', 0.5, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO public.trial_params VALUES (3, 1, 'nine_class_weight', 0.2, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO public.trial_params VALUES (4, 1, 'kl_weight', 0.1, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO public.trial_params VALUES (5, 2, 'arm', 1, '{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO public.trial_params VALUES (6, 2, 's_init', 0, '{"name": "CategoricalDistribution", "attributes": {"choices": ["zero", "matched"]}}');
INSERT INTO public.trial_params VALUES (7, 2, 'lr_multiplier', 0.1, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 1000000.0, "log": true}}');
INSERT INTO public.trial_params VALUES (8, 3, 'arm', 2, '{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO public.trial_params VALUES (9, 3, 'lr_multiplier', 0.1, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 1000000.0, "log": true}}');
INSERT INTO public.trial_params VALUES (10, 4, 'arm', 2, '{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO public.trial_params VALUES (11, 4, 'lr_multiplier', 0.1, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 1000000.0, "log": true}}');
INSERT INTO public.trial_params VALUES (12, 5, 'arm', 0, '{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO public.trial_params VALUES (13, 5, 'alpha', 0.3, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO public.trial_params VALUES (14, 5, 'nine_class_weight', 0.5, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO public.trial_params VALUES (15, 5, 'kl_weight', 0, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO public.trial_params VALUES (16, 6, 'arm', 0, '{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO public.trial_params VALUES (17, 6, 'alpha', 0.3, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO public.trial_params VALUES (18, 6, 'nine_class_weight', 0.5, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO public.trial_params VALUES (19, 6, 'kl_weight', 0, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO public.trial_params VALUES (20, 7, 'arm', 1, '{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO public.trial_params VALUES (21, 7, 's_init', 1, '{"name": "CategoricalDistribution", "attributes": {"choices": ["zero", "matched"]}}');
INSERT INTO public.trial_params VALUES (22, 7, 'lr_multiplier', 10, '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 1000000.0, "log": true}}');
INSERT INTO public.trial_run VALUES (6, 1, 6, 5, '5133af806043c1d1', 'fixed', 0, '{"alpha": 0.3, "nine_class_weight": 0.5, "kl_weight": 0.0}', 'complete', 1, NULL, NULL, NULL, true, 'de37f80d-6262-4874-9c46-51395a0d3fd9', 'host-1', 'boot', 1, 10, 1795623856.030124, 'worker-1', 'cpu', 1.5, 0.6499999999999999, 1795623856.030124, 1795623856.044423, 'm', 'd', 'c', '{"packages": {"torch": "2"}}');
INSERT INTO public.trial_run VALUES (1, 1, 1, 0, 'ddd30d91669bb749', 'fixed', 0, '{"alpha": 0.5, "nine_class_weight": 0.2, "kl_weight": 0.1}', 'complete', 1, NULL, NULL, NULL, true, 'de37f80d-6262-4874-9c46-51395a0d3fd9', 'host-1', 'boot', 1, 10, 1795623855.83044, 'worker-1', 'cpu', 1.5, 0.625, 1795623855.83044, 1795623855.943815, 'm', 'd', 'c', '{"packages": {"torch": "2"}}');
INSERT INTO public.trial_run VALUES (2, 1, 2, 1, '89516c486f6edc80', 'uncertainty', 0, '{"s_init": "zero", "lr_multiplier": 0.1}', 'pruned', 1, NULL, NULL, NULL, true, 'de37f80d-6262-4874-9c46-51395a0d3fd9', 'host-1', 'boot', 1, 10, 1795623855.954162, 'worker-1', 'cpu', 1, 0.1, 1795623855.954162, 1795623855.970072, 'm', 'd', 'c', '{"packages": {"torch": "2"}}');
INSERT INTO public.trial_run VALUES (3, 1, 3, 2, '2b754b34328add9f', 'direct', 0, '{"lr_multiplier": 0.1}', 'retry', 1, 'exception', 'ValueError: wrong', 'the log''s end', true, 'de37f80d-6262-4874-9c46-51395a0d3fd9', 'host-1', 'boot', 1, 10, 1795623855.976134, 'worker-1', 'cpu', NULL, NULL, 1795623855.976134, 1795623855.987959, 'm', 'd', 'c', '{"packages": {"torch": "2"}}');
INSERT INTO public.trial_run VALUES (4, 1, 4, 3, '2b754b34328add9f', 'direct', 0, '{"lr_multiplier": 0.1}', 'failed', 2, 'exception', 'ValueError: wrong', 'the log''s end', true, 'de37f80d-6262-4874-9c46-51395a0d3fd9', 'host-1', 'boot', 1, 10, 1795623855.994435, 'worker-1', 'cpu', NULL, NULL, 1795623855.994435, 1795623856.005341, 'm', 'd', 'c', '{"packages": {"torch": "2"}}');
INSERT INTO public.trial_run VALUES (5, 1, 5, 4, '5133af806043c1d1', 'fixed', 0, '{"alpha": 0.3, "nine_class_weight": 0.5, "kl_weight": 0.0}', 'released', 1, 'interrupted', 'stopped', NULL, true, 'de37f80d-6262-4874-9c46-51395a0d3fd9', 'host-1', 'boot', 1, 10, 1795623856.011171, 'worker-1', 'cpu', NULL, NULL, 1795623856.011171, 1795623856.024161, 'm', 'd', 'c', '{"packages": {"torch": "2"}}');
INSERT INTO public.trial_run VALUES (7, 1, 7, 6, 'c294bc2002469083', 'uncertainty', 0, '{"s_init": "matched", "lr_multiplier": 10.0}', 'running', 1, NULL, NULL, NULL, false, 'de37f80d-6262-4874-9c46-51395a0d3fd9', 'host-1', 'boot', 1, 10, 1795623856.050909, 'worker-1', 'cpu', NULL, NULL, 1795623856.050909, NULL, 'm', 'd', 'c', '{"packages": {"torch": "2"}}');
INSERT INTO public.trial_user_attributes VALUES (1, 1, 'arm', '"fixed"');
INSERT INTO public.trial_user_attributes VALUES (2, 1, 'cell', '"ddd30d91669bb749"');
INSERT INTO public.trial_user_attributes VALUES (3, 1, 'run', '1');
INSERT INTO public.trial_user_attributes VALUES (4, 2, 'arm', '"uncertainty"');
INSERT INTO public.trial_user_attributes VALUES (5, 2, 'cell', '"89516c486f6edc80"');
INSERT INTO public.trial_user_attributes VALUES (6, 2, 'run', '2');
INSERT INTO public.trial_user_attributes VALUES (7, 3, 'arm', '"direct"');
INSERT INTO public.trial_user_attributes VALUES (8, 3, 'cell', '"2b754b34328add9f"');
INSERT INTO public.trial_user_attributes VALUES (9, 3, 'run', '3');
INSERT INTO public.trial_user_attributes VALUES (10, 3, 'cause', '"exception"');
INSERT INTO public.trial_user_attributes VALUES (11, 3, 'reason', '"ValueError: wrong"');
INSERT INTO public.trial_user_attributes VALUES (12, 4, 'arm', '"direct"');
INSERT INTO public.trial_user_attributes VALUES (13, 4, 'cell', '"2b754b34328add9f"');
INSERT INTO public.trial_user_attributes VALUES (14, 4, 'run', '4');
INSERT INTO public.trial_user_attributes VALUES (15, 4, 'cause', '"exception"');
INSERT INTO public.trial_user_attributes VALUES (16, 4, 'reason', '"ValueError: wrong"');
INSERT INTO public.trial_user_attributes VALUES (17, 5, 'arm', '"fixed"');
INSERT INTO public.trial_user_attributes VALUES (18, 5, 'cell', '"5133af806043c1d1"');
INSERT INTO public.trial_user_attributes VALUES (19, 5, 'run', '5');
INSERT INTO public.trial_user_attributes VALUES (20, 5, 'cause', '"interrupted"');
INSERT INTO public.trial_user_attributes VALUES (21, 5, 'reason', '"stopped"');
INSERT INTO public.trial_user_attributes VALUES (22, 6, 'arm', '"fixed"');
INSERT INTO public.trial_user_attributes VALUES (23, 6, 'cell', '"5133af806043c1d1"');
INSERT INTO public.trial_user_attributes VALUES (24, 6, 'run', '6');
INSERT INTO public.trial_user_attributes VALUES (25, 7, 'arm', '"uncertainty"');
INSERT INTO public.trial_user_attributes VALUES (26, 7, 'cell', '"c294bc2002469083"');
INSERT INTO public.trial_user_attributes VALUES (27, 7, 'run', '7');
INSERT INTO public.trial_values VALUES (1, 1, 0, 0.625, 'FINITE');
INSERT INTO public.trial_values VALUES (2, 2, 0, 0.1, 'FINITE');
INSERT INTO public.trial_values VALUES (3, 6, 0, 0.6499999999999999, 'FINITE');
INSERT INTO public.trials VALUES (1, 0, 1, 'COMPLETE', '2026-11-25 16:24:15.834637', '2026-11-25 16:24:15.948293');
INSERT INTO public.trials VALUES (2, 1, 1, 'PRUNED', '2026-11-25 16:24:15.955039', '2026-11-25 16:24:15.971604');
INSERT INTO public.trials VALUES (3, 2, 1, 'FAIL', '2026-11-25 16:24:15.976905', '2026-11-25 16:24:15.990387');
INSERT INTO public.trials VALUES (4, 3, 1, 'FAIL', '2026-11-25 16:24:15.995211', '2026-11-25 16:24:16.007405');
INSERT INTO public.trials VALUES (5, 4, 1, 'FAIL', '2026-11-25 16:24:16.011951', '2026-11-25 16:24:16.026367');
INSERT INTO public.trials VALUES (6, 5, 1, 'COMPLETE', '2026-11-25 16:24:16.030901', '2026-11-25 16:24:16.046605');
INSERT INTO public.trials VALUES (7, 6, 1, 'RUNNING', '2026-11-25 16:24:16.051623', NULL);
INSERT INTO public.version_info VALUES (1, 12, '5.0.0');
SELECT pg_catalog.setval('public.studies_study_id_seq', 1, true);
SELECT pg_catalog.setval('public.study_directions_study_direction_id_seq', 1, true);
SELECT pg_catalog.setval('public.study_system_attributes_study_system_attribute_id_seq', 1, true);
SELECT pg_catalog.setval('public.study_user_attributes_study_user_attribute_id_seq', 1, false);
SELECT pg_catalog.setval('public.trial_heartbeats_trial_heartbeat_id_seq', 1, false);
SELECT pg_catalog.setval('public.trial_intermediate_values_trial_intermediate_value_id_seq', 9, true);
SELECT pg_catalog.setval('public.trial_params_param_id_seq', 22, true);
SELECT pg_catalog.setval('public.trial_run_id_seq', 7, true);
SELECT pg_catalog.setval('public.trial_system_attributes_trial_system_attribute_id_seq', 1, false);
SELECT pg_catalog.setval('public.trial_user_attributes_trial_user_attribute_id_seq', 27, true);
SELECT pg_catalog.setval('public.trial_values_trial_value_id_seq', 3, true);
SELECT pg_catalog.setval('public.trials_trial_id_seq', 7, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.epoch_metric
    ADD CONSTRAINT pk_epoch_metric PRIMARY KEY (trial_id, fold, epoch);
ALTER TABLE ONLY public.fold_score
    ADD CONSTRAINT pk_fold_score PRIMARY KEY (trial_id, fold);
ALTER TABLE ONLY public.oof_prediction
    ADD CONSTRAINT pk_oof_prediction PRIMARY KEY (trial_id, fold);
ALTER TABLE ONLY public.study_record
    ADD CONSTRAINT pk_study_record PRIMARY KEY (study_id);
ALTER TABLE ONLY public.study_truth
    ADD CONSTRAINT pk_study_truth PRIMARY KEY (study_id, data_hash);
ALTER TABLE ONLY public.trial_run
    ADD CONSTRAINT pk_trial_run PRIMARY KEY (id);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT studies_pkey PRIMARY KEY (study_id);
ALTER TABLE ONLY public.study_alembic_version
    ADD CONSTRAINT study_alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.study_directions
    ADD CONSTRAINT study_directions_pkey PRIMARY KEY (study_direction_id);
ALTER TABLE ONLY public.study_directions
    ADD CONSTRAINT study_directions_study_id_objective_key UNIQUE (study_id, objective);
ALTER TABLE ONLY public.study_system_attributes
    ADD CONSTRAINT study_system_attributes_pkey PRIMARY KEY (study_system_attribute_id);
ALTER TABLE ONLY public.study_system_attributes
    ADD CONSTRAINT study_system_attributes_study_id_key_key UNIQUE (study_id, key);
ALTER TABLE ONLY public.study_user_attributes
    ADD CONSTRAINT study_user_attributes_pkey PRIMARY KEY (study_user_attribute_id);
ALTER TABLE ONLY public.study_user_attributes
    ADD CONSTRAINT study_user_attributes_study_id_key_key UNIQUE (study_id, key);
ALTER TABLE ONLY public.trial_heartbeats
    ADD CONSTRAINT trial_heartbeats_pkey PRIMARY KEY (trial_heartbeat_id);
ALTER TABLE ONLY public.trial_heartbeats
    ADD CONSTRAINT trial_heartbeats_trial_id_key UNIQUE (trial_id);
ALTER TABLE ONLY public.trial_intermediate_values
    ADD CONSTRAINT trial_intermediate_values_pkey PRIMARY KEY (trial_intermediate_value_id);
ALTER TABLE ONLY public.trial_intermediate_values
    ADD CONSTRAINT trial_intermediate_values_trial_id_step_key UNIQUE (trial_id, step);
ALTER TABLE ONLY public.trial_params
    ADD CONSTRAINT trial_params_pkey PRIMARY KEY (param_id);
ALTER TABLE ONLY public.trial_params
    ADD CONSTRAINT trial_params_trial_id_param_name_key UNIQUE (trial_id, param_name);
ALTER TABLE ONLY public.trial_system_attributes
    ADD CONSTRAINT trial_system_attributes_pkey PRIMARY KEY (trial_system_attribute_id);
ALTER TABLE ONLY public.trial_system_attributes
    ADD CONSTRAINT trial_system_attributes_trial_id_key_key UNIQUE (trial_id, key);
ALTER TABLE ONLY public.trial_user_attributes
    ADD CONSTRAINT trial_user_attributes_pkey PRIMARY KEY (trial_user_attribute_id);
ALTER TABLE ONLY public.trial_user_attributes
    ADD CONSTRAINT trial_user_attributes_trial_id_key_key UNIQUE (trial_id, key);
ALTER TABLE ONLY public.trial_values
    ADD CONSTRAINT trial_values_pkey PRIMARY KEY (trial_value_id);
ALTER TABLE ONLY public.trial_values
    ADD CONSTRAINT trial_values_trial_id_objective_key UNIQUE (trial_id, objective);
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_pkey PRIMARY KEY (trial_id);
ALTER TABLE ONLY public.study_record
    ADD CONSTRAINT uq_study_record_name UNIQUE (name);
ALTER TABLE ONLY public.trial_run
    ADD CONSTRAINT uq_trial_run_trial_id UNIQUE (trial_id);
ALTER TABLE ONLY public.version_info
    ADD CONSTRAINT version_info_pkey PRIMARY KEY (version_info_id);
CREATE UNIQUE INDEX ix_studies_study_name ON public.studies USING btree (study_name);
CREATE INDEX ix_trial_run_study_id_state ON public.trial_run USING btree (study_id, state);
CREATE INDEX ix_trials_study_id ON public.trials USING btree (study_id);
CREATE UNIQUE INDEX ux_trial_run_held_cell ON public.trial_run USING btree (study_id, cell) WHERE ((state)::text = ANY ((ARRAY['running'::character varying, 'complete'::character varying, 'pruned'::character varying, 'failed'::character varying])::text[]));
ALTER TABLE ONLY public.epoch_metric
    ADD CONSTRAINT fk_epoch_metric_trial_id_trial_run FOREIGN KEY (trial_id) REFERENCES public.trial_run(trial_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.fold_score
    ADD CONSTRAINT fk_fold_score_trial_id_trial_run FOREIGN KEY (trial_id) REFERENCES public.trial_run(trial_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.oof_prediction
    ADD CONSTRAINT fk_oof_prediction_trial_id_trial_run FOREIGN KEY (trial_id) REFERENCES public.trial_run(trial_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.study_truth
    ADD CONSTRAINT fk_study_truth_study_id_study_record FOREIGN KEY (study_id) REFERENCES public.study_record(study_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.trial_run
    ADD CONSTRAINT fk_trial_run_study_id_study_record FOREIGN KEY (study_id) REFERENCES public.study_record(study_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.study_directions
    ADD CONSTRAINT study_directions_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.studies(study_id);
ALTER TABLE ONLY public.study_system_attributes
    ADD CONSTRAINT study_system_attributes_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.studies(study_id);
ALTER TABLE ONLY public.study_user_attributes
    ADD CONSTRAINT study_user_attributes_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.studies(study_id);
ALTER TABLE ONLY public.trial_heartbeats
    ADD CONSTRAINT trial_heartbeats_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_intermediate_values
    ADD CONSTRAINT trial_intermediate_values_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_params
    ADD CONSTRAINT trial_params_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_system_attributes
    ADD CONSTRAINT trial_system_attributes_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_user_attributes
    ADD CONSTRAINT trial_user_attributes_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trial_values
    ADD CONSTRAINT trial_values_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES public.trials(trial_id);
ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.studies(study_id);
