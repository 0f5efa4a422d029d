// What a backend engineer does at night: read what another system wrote, validate it, transform it in
// parallel, report. 3,201 real movies from the npm package vega-datasets, as messy as they come.
//
//   npx run-pipeline examples/movies-report.ts
//   npx run-pipeline examples/movies-report.ts --param minVotes=1000
import { readFile } from 'node:fs/promises';
import { each, Parameter, Pipeline, Step, currentTask, type FileValue } from 'run-pipeline';
import { z } from 'zod';

const Movie = z.object({
  Title: z.union([z.string(), z.number()]).transform(String),
  'Major Genre': z.string(),
  'Release Date': z.string().transform((text, context) => {
    const year = Number(/(\d{4})$/.exec(text)?.[1]);
    if (year >= 1900 && year <= 2030) return year;
    context.addIssue({ code: 'custom', message: `no year in "${text}"` });
    return z.NEVER;
  }),
  'IMDB Rating': z.number().min(0).max(10),
  'IMDB Votes': z.number().int().nonnegative(),
  'Worldwide Gross': z.number().nonnegative().nullable(),
});
type Movie = z.infer<typeof Movie>;

interface GenreReport {
  readonly genre: string;
  readonly movies: number;
  readonly rating: number;
  readonly gross: number;
  readonly best: string;
}

@Pipeline({ name: 'movies-report', project: 'examples', cache: true })
export class MoviesReport {
  @Parameter({ type: 'file', description: 'JSON as the other system writes it' })
  source = 'node_modules/vega-datasets/data/movies.json';

  @Parameter({ schema: z.int().min(0), description: 'Movies with fewer votes do not count' })
  minVotes = 500;

  @Parameter({ description: 'One report is made for each' })
  genres = ['Drama', 'Comedy', 'Action', 'Thriller/Suspense', 'Horror'];

  @Step({ inputs: ['$<pipeline.source>'], returns: ['movies', 'rejected'] })
  async validate(source: FileValue) {
    const rows = JSON.parse(await readFile(source.path, 'utf8')) as unknown[];
    const movies: Movie[] = [];
    const rejected = new Map<string, number>();
    for (const row of rows) {
      const checked = Movie.safeParse(row);
      if (checked.success) movies.push(checked.data);
      else {
        const field = String(checked.error.issues[0]?.path[0] ?? 'row');
        rejected.set(field, (rejected.get(field) ?? 0) + 1);
      }
    }
    console.log(`${movies.length} of ${rows.length} rows are valid`);
    for (const [field, count] of rejected) console.warn(`${count} rows without a valid ${field}`);
    return { movies, rejected };
  }

  @Step({
    inputs: ['$<validate.movies>', each('$<pipeline.genres>'), '$<pipeline.minVotes>'],
    returns: ['report'],
  })
  summarise(movies: Movie[], genre: string, minVotes: number): GenreReport {
    const counted = movies.filter(
      (movie) => movie['Major Genre'] === genre && movie['IMDB Votes'] >= minVotes,
    );
    if (counted.length === 0) throw new Error(`no movie of genre ${genre} has ${minVotes} votes`);
    const best = counted.reduce((a, b) => (b['IMDB Rating'] > a['IMDB Rating'] ? b : a));
    return {
      genre,
      movies: counted.length,
      rating: mean(counted.map((movie) => movie['IMDB Rating'])),
      gross: mean(counted.flatMap((movie) => movie['Worldwide Gross'] ?? [])),
      best: `${best.Title} (${best['Release Date']})`,
    };
  }

  @Step({ inputs: ['$<summarise.report>', '$<validate.rejected>'], returns: ['report'] })
  report(reports: GenreReport[], rejected: Map<string, number>): string {
    const sorted = [...reports].sort((a, b) => b.rating - a.rating);
    currentTask().logger.reportTable({ title: 'genres', series: 'all', iteration: 0, table: sorted });
    const lines = sorted.map(
      ({ genre, movies, rating, gross, best }) =>
        `${genre.padEnd(18)} ${String(movies).padStart(4)} movies  rated ${rating.toFixed(2)}  ` +
        `$${(gross / 1e6).toFixed(0).padStart(4)} M  best: ${best}`,
    );
    const left = [...rejected.values()].reduce((a, b) => a + b, 0);
    const text = [...lines, `${left} rows were rejected`].join('\n');
    console.log(text);
    return text;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
